import Foundation
import Postgres

/// One kind of question about letters.
struct LetterQuestion: Sendable {
  var name: String
  var isPreview = false
  var query: @Sendable (_ random: inout any RandomNumberGenerator, _ letters: Int) -> PostgresQuery

  /// A page of 50, by every filter that may be combined, dense and sparse.
  static let lists: [LetterQuestion] = [
    list("all"), list("status=pending", status: "pending"), list("status=replaying (few)", status: "replaying"),
    list("error_type=timeout", errorType: "timeout"), list("error_type=rare (30)", errorType: "rare"),
    list("error_type=none (0)", errorType: "none"), list("provider=hkt", provider: "hkt"),
    list("provider=old (30)", provider: "old"), list("provider=none (0)", provider: "none"),
    list("status=settled, error_type=timeout, provider=hkt", status: "settled", errorType: "timeout", provider: "hkt"),
    list("status=replaying, provider=provider3", status: "replaying", provider: "provider3"),
    list("user_id (half of all)", user: 0), list("user_id (60)", user: 51), list("user_id (0)", user: 99_999),
    list("user_id (half), status=replaying", status: "replaying", user: 0),
    list("user_id (half), error_type=rare (15)", errorType: "rare", user: 0),
    list("user_id (60), provider=hkt, status=pending", status: "pending", provider: "hkt", user: 51),
    list("message_id", message: true), list("message_id, status=pending", status: "pending", message: true),
    list("from, to (a day)", days: 1), list("status=pending, from, to (a day)", status: "pending", days: 1),
    list("error_type=timeout, from, to (a day)", errorType: "timeout", days: 1),
    list("user_id (half), provider=hkt, from, to (a day)", provider: "hkt", user: 0, days: 1),
    list("cursor, anywhere", hasCursor: true), list("status=pending, cursor", status: "pending", hasCursor: true),
    list("error_type=timeout, provider=hkt, cursor", errorType: "timeout", provider: "hkt", hasCursor: true),
    list("user_id (half), cursor", user: 0, hasCursor: true),
    list("user_id (half), from, to (a day), cursor", user: 0, days: 1, hasCursor: true),
  ]

  static let previews: [LetterQuestion] = [
    preview("all, limit 100,000", limit: 100_000), preview("all, limit 1,000", limit: 1_000),
    preview("error_type=timeout", errorType: "timeout", limit: 100_000),
    preview("error_type=rare", errorType: "rare", limit: 100_000),
    preview("user_id (half)", user: 0, limit: 100_000), preview("user_id (60)", user: 51, limit: 100_000),
    preview("provider=old", provider: "old", limit: 100_000),
  ]

  /// What one statement of a request chooses, dense and sparse.
  static let choices: [LetterQuestion] = [
    choice("all"), choice("error_type=timeout", errorType: "timeout"),
    choice("error_type=rare (6)", errorType: "rare"), choice("error_type=none (0)", errorType: "none"),
    choice("provider=old (6)", provider: "old"), choice("provider=none (0)", provider: "none"),
    choice("user_id (half)", user: 0), choice("user_id (60)", user: 51), choice("user_id (0)", user: 99_999),
    choice("user_id (half), error_type=rare (3)", errorType: "rare", user: 0),
    choice("user_id (60), provider=hkt", provider: "hkt", user: 51),
    choice("error_type=timeout, dead SMS behind the last", errorType: "timeout", isBehind: true),
  ]

  private static func list(
    _ name: String, status: String? = nil, errorType: String? = nil, provider: String? = nil, user: Int? = nil,
    message: Bool = false, days: Int? = nil, hasCursor: Bool = false
  ) -> LetterQuestion {
    LetterQuestion(name: "list: \(name)") { random, letters in
      let number = Int.random(in: 0..<letters, using: &random)
      let time: PostgresQuery =
        "(SELECT max(created_at) FROM dead_letter.letters) - \(Double.random(in: 2...70, using: &random)) * interval '1 day'"
      let from: PostgresQuery = days.map { "\(time) - \($0) * interval '1 day'" } ?? "NULL"
      return """
        SELECT id FROM dead_letter.find_letters(\(status), \(errorType), \(provider),
          \(user.map(StoredLetters.user)), \(message ? StoredLetters.message(number) : nil), \(from),
          \(days == nil ? "NULL" : time), \(hasCursor ? time : "NULL"), \(hasCursor ? UUID() : nil), 50)
        """
    }
  }

  private static func preview(
    _ name: String, errorType: String? = nil, provider: String? = nil, user: Int? = nil, limit: Int
  ) -> LetterQuestion {
    LetterQuestion(name: "preview: \(name)", isPreview: true) { _, _ in
      """
      SELECT letters FROM dead_letter.preview_letters(NULL, NULL, \(errorType), \(provider),
        \(user.map(StoredLetters.user)), NULL, NULL, NULL, \(limit)::integer)
      """
    }
  }
  private static func choice(
    _ name: String, errorType: String? = nil, provider: String? = nil, user: Int? = nil, isBehind: Bool = false
  ) -> LetterQuestion {
    LetterQuestion(name: "choose: \(name)") { _, _ in
      let place: PostgresQuery =
        isBehind ? "(SELECT max(created_at) FROM dead_letter.letters), \(UUID())" : "NULL, NULL"
      return """
        SELECT letter_id FROM dead_letter.choose_letters(NULL, \(isBehind ? "dead" : nil), \(errorType), \(provider),
          \(user.map(StoredLetters.user)), NULL, NULL, NULL, \(place), 8192)
        """
    }
  }
}
