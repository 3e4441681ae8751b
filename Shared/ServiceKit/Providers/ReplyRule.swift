import Contracts
import Foundation

/// One row of a provider's reply table: which answers mean which outcome.
public struct ReplyRule: Sendable, Hashable {
  /// The HTTP status; any when absent.
  public var status: Int?
  public var outcome: AttemptOutcome
  /// Immutable and safe to use from several threads.
  private let pattern: NSRegularExpression?

  /// - Parameter body: A regular expression that is searched for in the body; any body when absent.
  /// - Throws: When the expression is not valid.
  public init(status: Int? = nil, body: String? = nil, outcome: AttemptOutcome) throws {
    self.status = status
    self.outcome = outcome
    pattern = try body.map { try NSRegularExpression(pattern: $0) }
  }

  /// The body's regular expression.
  public var body: String? { pattern?.pattern }

  public func matches(status: Int, body: String) -> Bool {
    if let expected = self.status, expected != status { return false }
    guard let pattern else { return true }
    return pattern.firstMatch(in: body, range: NSRange(body.startIndex..., in: body)) != nil
  }

  /// Reads one entry of `replies`.
  init?(_ mapping: YAMLMapping) {
    let status = mapping.has("status") ? mapping.int("status", default: 0, in: 100...599) : nil
    let body = mapping.string("body")
    if !mapping.has("outcome") { mapping.note("outcome", "is missing") }
    let outcome = mapping.choice("outcome", default: AttemptOutcome.unknown)
    if status == nil, body == nil, !mapping.has("body") {
      mapping.note("status", "a rule needs a status, a body, or both")
    }
    mapping.finish()
    do {
      self = try ReplyRule(status: status, body: body, outcome: outcome)
    } catch {
      mapping.note("body", "is not a valid regular expression")
      return nil
    }
  }
}
