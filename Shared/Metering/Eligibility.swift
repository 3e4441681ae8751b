/// Which providers may carry an SMS: the one it is pinned to, or any but those that failed it before.
public struct Eligibility: Hashable, Sendable {
  /// The only one; `nil` when any will do.
  public var pinned: String?
  /// Skipped while another works; sorted.
  public var avoided: [String]

  public init(pinned: String? = nil, avoided: [String] = []) {
    self.pinned = pinned
    self.avoided = pinned == nil ? Array(Set(avoided)).sorted() : []
  }

  /// The candidates among the open providers.
  /// - Parameters:
  ///   - open: Providers that can be given an SMS now.
  ///   - working: Providers that are healthy and not paused, whether open now or not: while one of them has not failed
  ///     the SMS, it waits for that one.
  public func candidates(open: Set<String>, working: Set<String>) -> Set<String> {
    if let pinned { return open.contains(pinned) ? [pinned] : [] }
    if avoided.isEmpty { return open }
    let others = working.subtracting(avoided)
    return others.isEmpty ? open : open.intersection(others)
  }
}
