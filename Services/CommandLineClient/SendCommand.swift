import ArgumentParser
import CSV
import Foundation
import JSONHTTP

/// Sends one text to one or many.
struct SendCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "send", abstract: "Send a text to one number, to several, or to those of a file.",
    discussion: """
      sluice send +85291234567 --text "Your table is ready."
      sluice send --csv guests.csv --column mobile --text "The pool is closed." --wait

      A file is a table with commas, semicolons or tabs, with or without a row of names, or one number a line; - is standard input. \
      The column with the numbers is known by its name; where no name says it, give --column. {{name}} in the text stands for what \
      each row has in that column.
      If a row has no valid number, nothing is sent and its line is reported. With --skip-invalid the other rows are sent.
      Requests are repeated for a while when the gateway is away; each goes out once.
      """)

  @Argument(help: "Numbers.")
  var numbers: [String] = []

  @Option(help: ArgumentHelp("A file with numbers.", valueName: "file"), completion: .file())
  var csv: String?

  @Option(help: "The file's column: its name, or its place from 1; all for every column.")
  var column: String?

  @Option(help: "How a file is written that is neither UTF-8 nor UTF-16.")
  var encoding: OldEncoding?

  @OptionGroup var message: MessageOptions

  @Option(help: "Makes a repeat of the command harmless: the same key and numbers are sent once.")
  var idempotencyKey: String?

  @Option(help: "Numbers in one request.")
  var batch: Int = 10_000

  @Option(help: ArgumentHelp("How long to go on while the gateway is away.", valueName: "seconds"))
  var patience: Int = 30

  @Flag(help: "Wait until all are sent or have failed.")
  var wait = false

  @OptionGroup var options: GatewayOptions

  func validate() throws {
    guard numbers.isEmpty != (csv == nil) else { throw ValidationError("Give numbers, or a file with --csv") }
    guard csv != nil || encoding == nil else { throw ValidationError("--encoding is of a file: give one with --csv") }
    try message.checkText()
    guard csv != nil || message.markers.isEmpty else {
      throw ValidationError("The text names {{\(message.markers[0])}}: give a file with that column with --csv")
    }
    guard (1...10_000).contains(batch) else { throw ValidationError("--batch must be from 1 to 10000") }
    guard (0...3_600).contains(patience) else { throw ValidationError("--patience must be from 0 to 3600 seconds") }
    if let idempotencyKey, !(1...240).contains(idempotencyKey.utf8.count) {
      throw ValidationError("--idempotency-key must have from 1 to 240 characters")
    }
  }

  func run() async throws {
    let gateway = try options.gateway()
    let file = try csv.map {
      try NumberFile(
        Self.text(Self.read($0), of: $0, encoding: encoding), column: column, message: message.text ?? "")
    }
    if let note = file?.note { Console.note(note) }
    let entries = file?.entries ?? numbers.enumerated().map { .init(line: $0.offset + 1, number: $0.element) }
    guard !entries.isEmpty else {
      report(file?.rejected ?? [])
      throw ValidationError("There is no row in the file that can be sent to")
    }
    let bulk = BulkSend(
      gateway: gateway, options: message, text: message.text ?? "", key: idempotencyKey ?? "cli-\(UUID().uuidString)",
      mayRepeat: idempotencyKey != nil, size: batch, patience: .seconds(patience))
    var bar = ProgressBar()
    let isShown = entries.count > 1 && !options.json
    let result = try await bulk.run(entries, rejected: file?.rejected ?? []) { done in
      if isShown { bar.show(Double(done) / Double(entries.count), "\(done) of \(entries.count) handed over") }
    }
    bar.end()
    report(result.rejected)
    for warning in result.warnings {
      let place = warning.line == 0 ? "" : "\(csv == nil ? "number" : "line") \(warning.line): "
      Console.note("warning: \(place)\(warning.number): \(warning.reason)")
    }
    show(result)
    if let failure = result.failure {
      Console.complain(failure.text)
      if !result.accepted.isEmpty || failure.isPassing {
        Console.complain(
          "to go on, repeat the command with --idempotency-key \(bulk.key): what was accepted is not sent again")
      }
    } else if !result.accepted.isEmpty, !options.json {
      await gateway.noteIfStopped()
    }
    if result.failure == nil, wait, !result.accepted.isEmpty {
      try await Follower(gateway: gateway, isQuiet: options.json).follow(result.messageIDs)
    }
    guard result.code == .success else { throw result.code }
  }

  private func report(_ rejected: [BulkResult.Rejected]) {
    for row in rejected.sorted(by: { $0.line < $1.line }) {
      let number = row.number.isEmpty ? "" : "\(row.number): "
      Console.complain("\(csv == nil ? "number" : "line") \(row.line): \(number)\(row.reason)")
    }
  }

  private func show(_ result: BulkResult) {
    if options.json {
      for answer in result.answers { Console.print(answer) }
      return
    }
    for answer in result.accepted {
      let data = answer.json.data
      let ahead = data.queue_position.int.map { ", \($0) ahead" } ?? ""
      let done = data.estimated_complete_at.string.map { ", done about \(Clock.text($0))" } ?? ""
      let size = "\(data.total.int ?? 0) × \(data.segments.int ?? 1)"
      Console.print("\(answer.json.message_id.string ?? "")  \(size)\(ahead)\(done)")
    }
    if result.duplicates > 0 { Console.note("\(result.duplicates) repeated numbers are sent once") }
  }

  private static func read(_ path: String) throws -> Data {
    do {
      // Read to its end and not by its size: a pipe has none.
      let file = path == "-" ? .standardInput : try FileHandle(forReadingFrom: URL(filePath: path))
      return try file.readToEnd() ?? Data()
    } catch {
      throw ValidationError("\(path) cannot be read")
    }
  }

  /// The text of a file.
  /// - Parameters:
  ///   - path: How the file is called in errors.
  ///   - encoding: How it is written if it is no Unicode. It is not guessed: a text of Western Windows makes Big5 as well.
  /// - Throws: `ValidationError`.
  static func text(_ data: Data, of path: String, encoding: OldEncoding?) throws -> String {
    guard let read = SpreadsheetText(Array(data)) else {
      throw ValidationError("\(path) is no text in UTF-8, UTF-16 or Big5")
    }
    guard read.encoding == .big5 else { return read.text }
    guard encoding == .big5 else {
      throw ValidationError("\(path) is neither UTF-8 nor UTF-16. If it is Big5, say so with --encoding big5")
    }
    return read.text
  }
}

/// How a file may be written that is no Unicode.
enum OldEncoding: String, Sendable, CaseIterable, ExpressibleByArgument {
  case big5
}

/// What a send would answer.
struct EstimateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "estimate", abstract: "Show when a message would go out; nothing is sent.")

  @Argument(help: "Numbers.")
  var numbers: [String]

  @OptionGroup var message: MessageOptions
  @OptionGroup var options: GatewayOptions

  func validate() throws {
    try message.checkText()
    guard message.markers.isEmpty else { throw ValidationError("An estimate fills in no {{\(message.markers[0])}}") }
  }

  func run() async throws {
    let answer = try await options.gateway().call(
      "POST", "/api/sms/estimate", body: message.body(numbers, text: message.text ?? ""))
    if options.json { return Console.print(answer) }
    let data = answer.json.data
    let forcing = data.ucs2_characters.array.compactMap(\.string).joined(separator: " ")
    Console.print(
      "\(data.total.int ?? 0) × \(data.segments.int ?? 1) \(data.encoding.string ?? "")\(forcing.isEmpty ? "" : " because of \(forcing)")"
    )
    for warning in data.warnings.array {
      Console.note("warning: \(warning.phone.string ?? warning.field.string ?? ""): \(warning.message.string ?? "")")
    }
    Console.print("ahead of you: \(data.queue_position.int.map(String.init) ?? "–")")
    Console.print(
      "starts about \(Clock.text(data.estimated_start_at.string)), done about \(Clock.text(data.estimated_complete_at.string))"
    )
  }
}
