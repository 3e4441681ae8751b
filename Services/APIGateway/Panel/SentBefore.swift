import Crypto
import Foundation
import Hummingbird

/// What somebody sent from this browser a few minutes ago: Send, Back and Send again would send it twice.
///
/// It lies in a cookie, as hashes, so that any replica knows it, and it is a question and no safeguard.
struct SentBefore: Sendable {
  /// One form that was sent.
  struct Entry: Sendable, Equatable {
    /// Of the texts and the numbers.
    var content: String
    /// Of the form's key: the same form again sends nothing twice.
    var key: String
    /// Seconds since 1970.
    var at: Int
  }

  /// How long it is asked about, in seconds.
  static let span = 600
  private static let limit = 5

  private(set) var entries: [Entry]

  init(_ cookie: String?, now: Int) {
    entries = (cookie ?? "").split(separator: "~").compactMap { text in
      let parts = text.split(separator: ".").map(String.init)
      guard parts.count == 3, let at = Int(parts[2]), (now - Self.span...now).contains(at) else { return nil }
      return Entry(content: parts[0], key: parts[1], at: at)
    }
  }

  /// When the same was sent by another form; `nil` when it was not.
  func time(of content: String, key: String) -> Int? {
    let same = entries.filter { $0.content == content }
    return same.contains { $0.key == key } ? nil : same.last?.at
  }

  mutating func add(_ content: String, key: String, at: Int) {
    entries.removeAll { $0.content == content && $0.key == key }
    entries = (entries + [Entry(content: content, key: key, at: at)]).suffix(Self.limit)
  }

  var cookie: String { entries.map { "\($0.content).\($0.key).\($0.at)" }.joined(separator: "~") }

  static func digest(_ groups: [ComposeCheck.Group], of user: String) -> String {
    var hash = SHA256()
    hash.update(data: Data(user.utf8))
    for group in groups {
      hash.update(
        data: Data("\n\(group.text.utf8.count)\n\(group.text)\n\(group.numbers.sorted().joined(separator: ","))".utf8))
    }
    return String(hash.finalize().hexadecimal.prefix(16))
  }

  static func digest(key: String) -> String { String(SHA256.hash(data: Data(key.utf8)).hexadecimal.prefix(12)) }
}
