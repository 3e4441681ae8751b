import Contracts
import Foundation

/// One line of a provider's reply table: what an answer with this status, text or value means.
public struct ReplyRule: Sendable, Hashable {
  /// The HTTP status; any when `nil`.
  public var status: Int?
  public var outcome: AttemptOutcome
  /// Where a text is looked for; an answer without one there does not match.
  public var place: ReplyPlace?
  // Immutable and safe to use from several threads.
  private let bodyPattern: NSRegularExpression?
  private let valuePattern: NSRegularExpression?

  /// What a rule has found.
  public struct Match: Sendable, Equatable {
    /// The text at the rule's place; `nil` without a place.
    public var text: String?
  }

  /// - Parameters:
  ///   - body: A regular expression that is searched for in the whole answer; any when absent.
  ///   - place: Where `value` is searched for.
  ///   - value: A regular expression that is searched for in the text at the place; any text when absent.
  /// - Throws: When an expression is not valid.
  public init(
    status: Int? = nil, body: String? = nil, at place: ReplyPlace? = nil, value: String? = nil, outcome: AttemptOutcome
  ) throws {
    self.status = status
    self.outcome = outcome
    self.place = place
    bodyPattern = try body.map { try NSRegularExpression(pattern: $0) }
    valuePattern = try value.map { try NSRegularExpression(pattern: $0) }
  }

  /// The body's regular expression.
  public var body: String? { bodyPattern?.pattern }
  /// The value's regular expression.
  public var value: String? { valuePattern?.pattern }

  /// - Parameters:
  ///   - body: All of the answer that was read.
  ///   - texts: Finds the texts at a place of the answer.
  /// - Returns: `nil` when the rule does not match.
  public func match(status: Int, body: String, at texts: (ReplyPlace) -> [String] = { _ in [] }) -> Match? {
    if let expected = self.status, expected != status { return nil }
    if let bodyPattern, !Self.finds(bodyPattern, in: body) { return nil }
    guard let place else { return Match(text: nil) }
    guard let text = texts(place).first(where: { text in valuePattern.map { Self.finds($0, in: text) } ?? true }) else {
      return nil
    }
    return Match(text: text)
  }

  private static func finds(_ pattern: NSRegularExpression, in text: String) -> Bool {
    pattern.firstMatch(in: text, range: NSRange(text.startIndex..., in: text)) != nil
  }

  /// Reads one entry of `replies`.
  init?(_ mapping: YAMLMapping) {
    let status = mapping.has("status") ? mapping.int("status", default: 0, in: 100...599) : nil
    let body = mapping.string("body")
    let place = Self.place(mapping)
    let value = mapping.string("value")
    if !mapping.has("outcome") { mapping.note("outcome", "is missing") }
    let outcome = mapping.choice("outcome", default: AttemptOutcome.unknown)
    if !["status", "body", "xml", "json"].contains(where: mapping.has) {
      mapping.note("status", "a rule needs a status, a body, xml or json, or several of them")
    }
    if mapping.has("value"), !mapping.has("xml"), !mapping.has("json") {
      mapping.note("value", "needs xml or json, a path to the value")
    }
    mapping.finish()
    for (key, text) in [("body", body), ("value", value)] {
      guard let text else { continue }
      guard (try? NSRegularExpression(pattern: text)) != nil else {  // why not does not matter
        mapping.note(key, "is not a valid regular expression")
        return nil
      }
    }
    do {
      self = try ReplyRule(status: status, body: body, at: place, value: value, outcome: outcome)
    } catch {
      return nil
    }
  }

  private static func place(_ mapping: YAMLMapping) -> ReplyPlace? {
    let (xml, json) = (mapping.string("xml"), mapping.string("json"))
    switch (xml, json) {
    case (nil, nil): return nil
    case (_?, _?):
      mapping.note("json", "cannot be given together with xml")
      return nil
    case (let text?, nil):
      guard let path = ReplyPath(xml: text) else {
        mapping.note("xml", "must be a path such as response/status or result/@code")
        return nil
      }
      return .xml(path)
    case (nil, let text?):
      guard let path = ReplyPath(json: text) else {
        mapping.note("json", "must be a path such as error.code or results[0].status")
        return nil
      }
      return .json(path)
    }
  }
}
