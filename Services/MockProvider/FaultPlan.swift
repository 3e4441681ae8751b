/// Chooses the fault of each request: the first rule that applies.
struct FaultPlan: Sendable {
  private let rules: [Fault]
  private var timesLeft: [Int?]

  init(_ rules: [Fault]) {
    self.rules = rules
    timesLeft = rules.map(\.times)
  }

  /// Whether the connection is to be closed before the body, and so the number, is known.
  /// - Parameter draw: The request's random number in 0..<100.
  mutating func closesBeforeReading(draw: Double) -> Bool {
    guard let index = ruleDrawn(by: draw), rules[index].effect == .closeBeforeRead else { return false }
    return spend(index)
  }

  /// The fault of a request, once its number is known; the same `draw` as before the body was read.
  mutating func effect(number: String, draw: Double) -> Fault.Effect? {
    let drawn = ruleDrawn(by: draw)
    for index in rules.indices {
      let applies =
        switch rules[index].trigger {
        case .suffix(let digits): number.hasSuffix(digits)
        case .percent: index == drawn
        }
      if applies, spend(index) { return rules[index].effect }
    }
    return nil
  }

  /// Percentages lie side by side on 0..<100, so each rule gets exactly its share.
  private func ruleDrawn(by draw: Double) -> Int? {
    var end = 0.0
    for index in rules.indices {
      guard case .percent(let share) = rules[index].trigger else { continue }
      end += share
      if draw < end { return index }
    }
    return nil
  }

  private mutating func spend(_ index: Int) -> Bool {
    guard let left = timesLeft[index] else { return true }
    guard left > 0 else { return false }
    timesLeft[index] = left - 1
    return true
  }
}
