import Contracts

/// The virtual times of one provider, as they outlive a leader.
public struct ProviderClock: Codable, Sendable, Hashable {
  /// Virtual time between the classes: the highest class tag served, in ticks of 2⁻²⁴.
  public var time: Int64
  /// By name of class.
  public var classes: [String: ClassTurn]

  public init(time: Int64, classes: [String: ClassTurn]) {
    self.time = time
    self.classes = classes
  }
}

extension FairQueue {
  /// The virtual times and class tags by provider, to be stored with the tags of the flows.
  public var clocks: [String: ProviderClock] {
    Dictionary(
      providers.indices.map { place in
        let turns = MessageClass.allCases.map { ($0.rawValue, turn(of: $0, at: place)) }
        return (
          providers[place], ProviderClock(time: time(at: place), classes: Dictionary(uniqueKeysWithValues: turns))
        )
      }, uniquingKeysWith: { first, _ in first })
  }
}
