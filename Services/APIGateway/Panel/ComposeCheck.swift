import CSV
import Contracts
import PhoneNumbers
import Recipients
import SMSText

/// What would come of a form: every bad line, the parts, and when it would go out.
struct ComposeCheck: Sendable {
  /// A line, and what is said of it.
  struct Line: Sendable {
    /// `Line 3`
    var place: String
    /// As it was written; `nil` where there is none.
    var number: String?
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
    /// E.164, each once.
    var numbers: [String]
  }

  private(set) var groups: [Group] = []
  private(set) var columns: [String] = []
  private(set) var column: RecipientTable.Column?
  private(set) var needsColumn = false
  private(set) var mayBeAll = false
  /// What was read as names or as a title.
  private(set) var heading: String?
  /// Lines because of which nothing is sent, unless they are left out.
  private(set) var badLines: [Line] = []
  /// Some of them have a number.
  private(set) var hasOtherProblems = false
  /// Lines with numbers that an SMS may not reach.
  private(set) var doubts: [Line] = []
  private(set) var problem: PanelProblem?
  private(set) var previews: [Preview] = []
  private(set) var count = 0
  private(set) var duplicates = 0
  private(set) var segmentation = SMSSegmentation("")
  private(set) var characters = 0
  private(set) var pieces: [Piece] = []
  /// Characters of the text that cannot be seen.
  private(set) var invisible: [InvisibleCharacters.Found] = []
  /// `500 × 2 parts. Ahead of you: 100. Starts about 14:20, done about 14:32.`
  private(set) var forecast: String?
  private(set) var options: [(String, JSONValue?)] = []

  /// True when nothing stands against sending it.
  var isSendable: Bool { problem == nil && (badLines.isEmpty || skipsInvalid) && count > 0 }

  private let skipsInvalid: Bool
  private let limits: SubmissionLimits

  /// Asks the API what it would answer; nothing is sent.
  init(_ form: ComposeForm, _ visit: PanelVisit) async throws {
    skipsInvalid = form.skipsInvalid
    limits = visit.panel.limits
    do {
      try prepare(form, visit)
      try await estimate(form, visit)
    } catch let error as APIError where error.code.status < 500 && error.code != .unauthorized {
      problem = PanelProblem(error, visit.text)
    }
  }

  private var longest = ""

  private mutating func prepare(_ form: ComposeForm, _ visit: PanelVisit) throws {
    // Everything below is done for each recipient, so what is too much is refused first.
    guard form.text.count <= limits.characters else {
      throw APIError.invalidField("content", "too_long", "At most \(limits.characters) characters are allowed")
    }
    invisible = InvisibleCharacters.found(in: form.content)
    (longest, segmentation) = (form.text, SMSSegmentation(form.text))
    // All that is wrong with the fields is said at once.
    var problems: [APIError.Detail] = []
    func collect<Value>(_ value: () throws -> Value) rethrows -> Value? {
      do {
        return try value()
      } catch let error as APIError {
        problems += error.details
        return nil
      }
    }
    let text = PersonalText(form.text)
    if let problem = form.fileProblem { problems.append(problem) }
    let table = try collect { try read(form, visit) }
    options = form.options(visit.clock, problems: &problems)
    let columns = table?.columns ?? []
    problems += Self.markerProblems(text, columns, isKnown: table?.needsColumn == false, visit)
    if problems.isEmpty, let table {
      group(table, text, visit)
      if groups.count > Self.groupLimit {
        problems.append(
          .init("recipients", "too_many_texts", visit.text("too_many_texts", ["n": PanelText.grouped(Self.groupLimit)]))
        )
      }
    }
    measure(form)
    guard problems.isEmpty else { throw APIError(.invalidField, "Fields are not valid", details: problems) }
  }

  private mutating func read(_ form: ComposeForm, _ visit: PanelVisit) throws -> RecipientTable {
    let table: RecipientTable
    do {
      table = try RecipientTable(
        form.recipients, column: form.chosenColumn, parser: visit.panel.parser, limit: limits.recipients)
    } catch is RecipientTable.TooMuch {
      throw APIError.invalidField(
        "recipients", "too_many", visit.text("too_many_recipients", ["n": PanelText.grouped(limits.recipients)]))
    } catch let error as CSVRows.OpenQuote {
      throw APIError.invalidField(
        "recipients", "quote_in_line", visit.text("quote_in_line", ["n": String(error.line)]))
    }
    (columns, column, needsColumn, mayBeAll) = (table.columns, table.column, table.needsColumn, table.mayBeAll)
    heading = table.heading
    guard !needsColumn else {
      throw APIError.invalidField("column", "choose_column", "Choose the column with the numbers")
    }
    return table
  }

  private static func markerProblems(
    _ text: PersonalText, _ columns: [String], isKnown: Bool, _ visit: PanelVisit
  ) -> [APIError.Detail] {
    var problems: [APIError.Detail] = []
    if text.isOpen { problems.append(.init("content", "open_marker", "A {{ is never closed")) }
    guard isKnown else { return problems }
    for name in text.columns {
      switch columns.count(where: { $0 == name }) {
      case 0: problems.append(.init("content", "unknown_column", visit.text("no_column", ["name": name])))
      case 1: break
      default: problems.append(.init("content", "column_twice", visit.text("column_twice", ["name": name])))
      }
    }
    return problems
  }

  private mutating func group(_ table: RecipientTable, _ text: PersonalText, _ visit: PanelVisit) {
    var places: [String: Int] = [:]
    var seen: Set<[String]> = []
    let used = text.columns.compactMap { name in columns.firstIndex(of: name).map { (name: name, place: $0) } }
    for row in table.rows {
      guard !row.number.isEmpty else {
        badLines.append(line(row, visit.text("no_number"), visit))
        continue
      }
      let number: PhoneNumberParser.Reading
      switch reading(row.number, visit.panel.parser) {
      case .success(let read): number = read
      case .failure(let error):
        badLines.append(line(row, visit.text.known("wrong_\(error.code.rawValue)") ?? error.message, visit))
        continue
      }
      if let empty = used.first(where: { InvisibleCharacters.isBlank(row.fields[$0.place]) }) {
        hasOtherProblems = true
        badLines.append(line(row, visit.text("empty_cell", ["name": empty.name]), visit))
        continue
      }
      let own = text(Dictionary(uniqueKeysWithValues: used.map { ($0.name, row.fields[$0.place]) }))
      // Texts that differ are no repeats.
      guard seen.insert([number.number.e164, own]).inserted else {
        duplicates += 1
        continue
      }
      if let doubt = number.doubt { doubts.append(line(row, visit.text("doubt_\(doubt.rawValue)"), visit)) }
      if !used.isEmpty, previews.count < 3 { previews.append(Preview(number: row.number, text: own)) }
      if let place = places[own] {
        groups[place].numbers.append(number.number.e164)
      } else {
        places[own] = groups.count
        groups.append(Group(text: own, numbers: [number.number.e164]))
      }
    }
  }

  private func reading(_ text: String, _ parser: PhoneNumberParser) -> Result<
    PhoneNumberParser.Reading, PhoneNumberError
  > {
    guard text.utf8.count <= limits.numberBytes else { return .failure(PhoneNumberError(.tooLong)) }
    return parser.read(text)
  }

  private func line(_ row: RecipientTable.Row, _ why: String, _ visit: PanelVisit) -> Line {
    Line(
      place: visit.text("line", ["n": String(row.line)]),
      number: row.number.isEmpty ? nil : String(row.number.prefix(limits.numberBytes)), why: why)
  }

  private mutating func measure(_ form: ComposeForm) {
    // The longest says how many parts there are at most.
    for candidate in groups.map(\.text) {
      let size = SMSSegmentation(candidate)
      if candidate == groups.first?.text || (size.segments, size.units) > (segmentation.segments, segmentation.units) {
        (longest, segmentation) = (candidate, size)
      }
    }
    characters = longest.count
    pieces = Self.marked(form.text, segmentation.forcing)
  }

  /// Texts that differ, in one form: each is a message of its own.
  static let groupLimit = 2_000

  private mutating func estimate(_ form: ComposeForm, _ visit: PanelVisit) async throws {
    guard !groups.isEmpty, !InvisibleCharacters.isBlank(form.content) else { return }
    // A number with two texts is one recipient of each.
    var seen: Set<String> = []
    let numbers = groups.flatMap(\.numbers).filter { seen.insert($0).inserted }
    let answer = try await visit.post(
      "/api/sms/estimate",
      [("recipients", .array(numbers.map { .string($0) })), ("content", .string(longest))] + options)
    count = groups.reduce(0) { $0 + $1.numbers.count }
    forecast = Self.forecast(answer, count, segmentation.segments, visit)
  }

  private static func forecast(_ answer: JSONValue, _ count: Int, _ segments: Int, _ visit: PanelVisit) -> String {
    let text = visit.text
    var sentences = [
      segments == 1
        ? text.count("forecast_sms", count)
        : text("forecast_parts", ["n": PanelText.grouped(count), "parts": String(segments)])
    ]
    if let ahead = answer["queue_position"]?.whole {
      sentences.append(ahead == 0 ? text("forecast_next") : text("forecast_ahead", ["n": PanelText.grouped(ahead)]))
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
