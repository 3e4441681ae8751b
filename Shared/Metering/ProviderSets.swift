/// Providers, and sets of providers that may carry an SMS, as small numbers given out at first sight.
struct ProviderSets: Sendable {
  /// Any provider will do.
  static let any = 0

  private(set) var sets: [[String]?] = [nil]
  private(set) var providers: [String] = []
  private var numbersOfSets: [[String]: Int] = [:]
  private var numbersOfProviders: [String: Int] = [:]

  /// The number of a set.
  mutating func number(of set: [String]?) -> Int {
    guard let set else { return Self.any }
    if let number = numbersOfSets[set] { return number }
    numbersOfSets[set] = sets.count
    sets.append(set)
    for provider in set { _ = number(ofProvider: provider) }
    return sets.count - 1
  }

  /// The number of a set; `nil` for one never seen.
  func known(_ set: [String]?) -> Int? { set.map { numbersOfSets[$0] } ?? Self.any }

  mutating func number(ofProvider provider: String) -> Int {
    if let number = numbersOfProviders[provider] { return number }
    numbersOfProviders[provider] = providers.count
    providers.append(provider)
    return providers.count - 1
  }

  func known(provider: String) -> Int? { numbersOfProviders[provider] }
}

/// What the sets of providers come down to now: which of them works, and where two sets meet.
struct ProviderWays: Sendable {
  /// No provider that is known by name.
  static let nowhere = -1

  /// By number of a set: its providers to which SMS go, the fastest first.
  let going: [[Int]]
  /// By number of a set: all of its providers, by name; `nil` for any.
  private let members: [[Int]?]

  /// - Parameter rate: SMS a second that a provider takes now; `nil` for one to which nothing goes.
  init(_ sets: ProviderSets, rate: (String) -> Double?) {
    let rates = sets.providers.map { rate($0) }
    let working = sets.providers.indices.filter { rates[$0] != nil }.sorted {
      (-(rates[$0] ?? 0), sets.providers[$0]) < (-(rates[$1] ?? 0), sets.providers[$1])
    }
    members = sets.sets.map { $0.map { $0.compactMap { sets.known(provider: $0) } } }
    going = members.map { members in members.map { members in working.filter(members.contains) } ?? working }
  }

  /// The provider at which SMS of one set wait for those of another: the fastest that works of those that both may use.
  ///
  /// SMS none of whose providers works are compared at the first that both may use, as if it did.
  /// - Returns: `nil` where they take no turn from each other.
  func meeting(of own: Int, with other: Int) -> Int? {
    if !going[own].isEmpty { return going[own].first(where: going[other].contains) }
    // Nothing is known: whoever may use any provider may meet everybody.
    guard let mine = members[own] else { return members[other]?.first ?? Self.nowhere }
    guard let theirs = members[other] else { return mine.first ?? Self.nowhere }
    return mine.first(where: theirs.contains)
  }
}
