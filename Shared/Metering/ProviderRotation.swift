/// Smooth weighted round robin: over any stretch each provider gets its share, as evenly spread as can be.
///
/// Each pick adds every candidate's weight to its credit, takes the highest, and charges it the sum (nginx's method).
public struct ProviderRotation: Sendable {
  private var credits: [String: Double] = [:]

  public init() {}

  /// Picks one of the candidates, `nil` when there are none. Equal credits go by name, so picks are repeatable.
  public mutating func pick(among candidates: [(name: String, weight: Double)]) -> String? {
    guard !candidates.isEmpty else { return nil }
    var total = 0.0
    var best: (name: String, credit: Double)?
    for candidate in candidates {
      let credit = credits[candidate.name, default: 0] + candidate.weight
      credits[candidate.name] = credit
      total += candidate.weight
      if best.map({ credit > $0.credit || (credit == $0.credit && candidate.name < $0.name) }) ?? true {
        best = (candidate.name, credit)
      }
    }
    guard let best else { return nil }
    credits[best.name, default: 0] -= total
    return best.name
  }
}
