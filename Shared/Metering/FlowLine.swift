import Contracts

/// A flow, or a class, as a straight line of virtual start tags: its j-th SMS has the tag `tag + j * step`.
struct FlowLine: Sendable, Hashable {
  var tag: Int64
  var step: Int64
  var backlog: Int
  /// The smaller goes first at equal tags.
  var order: Int64
  /// Who may carry its SMS, as a number of `ProviderSets`.
  var set = ProviderSets.any
  /// Tag and step at each provider, by its number in `ProviderSets`; `nil` where they are the same at all.
  var turns: [Turn]?

  /// Where it stands at one provider.
  struct Turn: Sendable, Hashable {
    var tag: Int64
    var step: Int64
  }

  /// The line at one provider.
  /// - Parameter provider: Its number; one that is not known has none of its own.
  func turn(at provider: Int) -> Turn {
    guard let turns, turns.indices.contains(provider) else { return Turn(tag: tag, step: step) }
    return turns[provider]
  }

  /// The same, as it is at one provider.
  func line(at provider: Int) -> FlowLine {
    guard turns != nil else { return self }
    let turn = turn(at: provider)
    return FlowLine(tag: turn.tag, step: turn.step, backlog: backlog, order: order, set: set)
  }

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
