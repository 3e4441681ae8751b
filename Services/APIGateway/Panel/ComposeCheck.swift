import Contracts
import PhoneNumbers
import SMSText

/// What would come of a form: every bad line, the parts, and when it would go out.
struct ComposeCheck: Sendable {
  /// A line whose number is none.
  struct BadLine: Sendable {
    /// `Line 3`
    var place: String
    var number: String
    var why: String
  }

  /// A piece of the text; some characters make it longer than it needs to be.
  struct Piece: Sendable {
    var text: String
    var isMarked: Bool
  }

  struct Preview: Sendable {
    var number: String
    var text: String
  }

  /// Recipients with the same text.
  struct Group: Sendable {
    var text: String
    var numbers: [String]
  }

  private(set) var groups: [Group] = []
  private(set) var columns: [String] = []
  private(set) var numberColumn = ""
  private(set) var badLines: [BadLine] = []
  private(set) var problem: PanelProblem?
  private(set) var previews: [Preview] = []
  private(set) var count = 0
  private(set) var duplicates = 0
  private(set) var segmentation = SMSSegmentation("")
  private(set) var characters = 0
  private(set) var pieces: [Piece] = []
  /// `500 × 2 parts. Ahead of you: 100. Starts about 14:20, done about 14:32.`
  private(set) var forecast: String?
  private(set) var options: [(String, JSONValue?)] = []

  /// True when nothing stands against sending it.
  var isSendable: Bool { problem == nil && (badLines.isEmpty || skipsInvalid) && count > 0 }

  private let skipsInvalid: Bool

  /// Asks the API what it would answer; nothing is sent.
  init(_ form: ComposeForm, _ visit: PanelVisit) async throws {
    skipsInvalid = form.skipsInvalid
    do {
      try prepare(form, visit)
      try await estimate(form, visit)
    } catch let error as APIError where error.code.status < 500 && error.code != .unauthorized {
      if error.code == .invalidRecipients, problem == nil { return }
      problem = PanelProblem(error, visit.text)
    }
  }

  private var rows: [RecipientSheet.Row] = []
  private var longest = ""

  private mutating func prepare(_ form: ComposeForm, _ visit: PanelVisit) throws {
    let limits = visit.panel.limits
    // Everything below is done for each recipient, so what is too much is refused first.
    guard form.text.count <= limits.characters else {
      throw APIError.invalidField("content", "too_long", "At most \(limits.characters) characters are allowed")
    }
    let text = PersonalText(form.text)
    let sheet: RecipientSheet
    do {
      sheet = try RecipientSheet(
        form.recipients, column: form.column, keeping: Set(text.columns), limit: limits.recipients)
    } catch is RecipientSheet.TooMuch {
      throw APIError.invalidField(
        "recipients", "too_many", visit.text("too_many_recipients", ["n": PanelText.grouped(limits.recipients)]))
    } catch {
      throw APIError.invalidField("recipients", "open_quote", "A quotation mark is never closed")
    }
    rows = sheet.rows
    columns = sheet.columns
    numberColumn = columns.isEmpty ? "" : columns[sheet.numberColumn]
    options = try form.options(visit.clock)
    if let unknown = text.columns.first(where: { !columns.contains($0) }) {
      throw APIError.invalidField("content", "unknown_column", visit.text("no_column", ["name": unknown]))
    }
    group(text, visit.panel.parser)
    if let empty = groups.first(where: { $0.text.allSatisfy(\.isWhitespace) }), !form.content.isEmpty {
      throw APIError.invalidField(
        "content", "empty_text", visit.text("empty_text", ["number": empty.numbers.first ?? ""]))
    }
    guard groups.count <= Self.groupLimit else {
      throw APIError.invalidField(
        "recipients", "too_many_texts", visit.text("too_many_texts", ["n": PanelText.grouped(Self.groupLimit)]))
    }
    // The longest says how many parts there are at most.
    for candidate in groups.map(\.text) {
      let size = SMSSegmentation(candidate)
      if longest.isEmpty || (size.segments, size.units) > (segmentation.segments, segmentation.units) {
        (longest, segmentation) = (candidate, size)
      }
    }
    if longest.isEmpty { (longest, segmentation) = (form.text, SMSSegmentation(form.text)) }
    characters = longest.count
    pieces = Self.marked(form.text, segmentation.forcing)
  }

  private mutating func group(_ text: PersonalText, _ parser: PhoneNumberParser) {
    var places: [String: Int] = [:]
    var seen: Set<String> = []
    for row in rows {
      // Texts that differ are messages of their own, so that nobody else notices that a number is there twice.
      if !text.columns.isEmpty, case .success(let number) = parser.parse(row.number),
        !seen.insert(number.e164).inserted
      {
        continue
      }
      let own = text(row.values)
      if !text.columns.isEmpty, previews.count < 3 { previews.append(Preview(number: row.number, text: own)) }
      if let place = places[own] {
        groups[place].numbers.append(row.number)
      } else {
        places[own] = groups.count
        groups.append(Group(text: own, numbers: [row.number]))
      }
    }
  }

  /// Texts that differ, in one form: each is a message of its own.
  static let groupLimit = 2_000

  private mutating func estimate(_ form: ComposeForm, _ visit: PanelVisit) async throws {
    guard !rows.isEmpty, !form.content.isEmpty else { return }
    let answer: JSONValue
    do {
      answer = try await visit.post(
        "/api/sms/estimate",
        [
          ("recipients", .array(rows.map { .string($0.number) })), ("content", .string(longest)),
          ("on_invalid", .string("skip")),
        ] + options)
    } catch let error as APIError where error.code == .invalidRecipients {
      // There is not one good number among them.
      badLines = error.details.compactMap { detail in
        let index = detail.field.split { !$0.isNumber }.first.flatMap { Int($0) }
        return index.flatMap { rows.indices.contains($0) ? bad($0, detail.code, detail.message, visit.text) : nil }
      }
      throw error
    }
    badLines = (answer["rejected"]?.elements ?? []).compactMap { rejected in
      guard let index = rejected["index"]?.whole, rows.indices.contains(index) else { return nil }
      return bad(index, rejected["code"]?.text ?? "", rejected["message"]?.text ?? "", visit.text)
    }
    if skipsInvalid { leaveOut() }
    count = answer["total"]?.whole ?? 0
    duplicates = answer["duplicates"]?.elements.count ?? 0
    forecast = Self.forecast(answer, count, segmentation.segments, visit)
  }

  private func bad(_ index: Int, _ code: String, _ message: String, _ text: PanelText) -> BadLine {
    BadLine(
      place: text("line", ["n": String(rows[index].line)]), number: rows[index].number,
      why: text.known("wrong_\(code)") ?? message)
  }

  private mutating func leaveOut() {
    let bad = Set(badLines.map(\.number))
    for place in groups.indices { groups[place].numbers.removeAll { bad.contains($0) } }
    groups.removeAll { $0.numbers.isEmpty }
  }

  private static func forecast(_ answer: JSONValue, _ count: Int, _ segments: Int, _ visit: PanelVisit) -> String {
    let text = visit.text
    var sentences = [
      segments == 1
        ? text.count("forecast_sms", count)
        : text("forecast_parts", ["n": PanelText.grouped(count), "parts": String(segments)])
    ]
    if let ahead = answer["queue_position"]?.whole {
      sentences.append(text("forecast_ahead", ["n": PanelText.grouped(ahead)]))
    }
    if let start = visit.clock.time(answer["estimated_start_at"]),
      let end = visit.clock.time(answer["estimated_complete_at"])
    {
      sentences.append(text("forecast_times", ["start": start.short, "end": end.short]))
    } else {
      sentences.append(text("forecast_unknown"))
    }
    return sentences.joined(separator: visit.language == .english ? " " : "")
  }

  private static func marked(_ text: String, _ forcing: [Character]) -> [Piece] {
    let forcing = Set(forcing)
    return text.reduce(into: []) { pieces, character in
      let isMarked = forcing.contains(character)
      if let last = pieces.indices.last, pieces[last].isMarked == isMarked {
        pieces[last].text.append(character)
      } else {
        pieces.append(Piece(text: String(character), isMarked: isMarked))
      }
    }
  }
}
