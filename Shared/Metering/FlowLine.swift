import Contracts

/// A flow, or a class, as a straight line of virtual start tags: its j-th SMS has the tag `tag + j * step`.
struct FlowLine: Sendable, Hashable {
  var tag: Int64
  var step: Int64
  var backlog: Int
  /// The smaller goes first at equal tags.
  var order: Int64
  /// The pin of its SMS, as an index of `ProviderPins`.
  var pin = ProviderPins.none

  /// How many of its SMS go before one with this tag.
  func turns(until other: Int64, winningTies: Bool) -> Int {
    let lead = other - tag - (winningTies ? 0 : 1)
    guard lead >= 0, backlog > 0 else { return 0 }
    // A division costs more than all the rest, and most lines go either wholly before or wholly after.
    let (length, isHuge) = step.multipliedReportingOverflow(by: Int64(backlog - 1))
    return !isHuge && lead >= length ? backlog : min(Int(Self.quotient(lead, step)) + 1, backlog)
  }

  /// `dividend / divisor`, neither below zero: by floating point, which takes less than half as long, and made exact.
  static func quotient(_ dividend: Int64, _ divisor: Int64) -> Int64 {
    // Beyond this the product below might overflow.
    guard dividend < 1 << 52, divisor < 1 << 52 else { return dividend / divisor }
    let about = Int64(Double(dividend) / Double(divisor))
    let rest = dividend - about * divisor
    return rest < 0 ? about - 1 : rest >= divisor ? about + 1 : about
  }
}

/// Names of providers as small numbers.
struct ProviderPins: Sendable {
  /// Any provider will do.
  static let none = 0

  private(set) var names: [String?] = [nil]
  private var places: [String: Int] = [:]

  /// The number of a pin, given out at first sight.
  mutating func place(of provider: String?) -> Int {
    guard let provider else { return Self.none }
    if let place = places[provider] { return place }
    places[provider] = names.count
    names.append(provider)
    return names.count - 1
  }

  /// The number of a pin; `nil` for one never seen.
  func known(_ provider: String?) -> Int? { provider.map { places[$0] } ?? Self.none }
}
