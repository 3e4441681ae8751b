/// Which providers may carry an SMS: the one it is pinned to, or any that its user may use but those that failed it before.
public struct Eligibility: Hashable, Sendable {
  /// The only one; `nil` when it is not pinned.
  public var pinned: String?
  /// The only ones; `nil` when any will do. Sorted.
  public var allowed: [String]?
  /// Skipped while another works; sorted.
  public var avoided: [String]

  public init(pinned: String? = nil, allowed: [String]? = nil, avoided: [String] = []) {
    self.pinned = pinned
    self.allowed = pinned == nil ? allowed.map { Array(Set($0)).sorted() } : nil
    self.avoided = pinned == nil ? Array(Set(avoided)).sorted() : []
  }

  /// The candidates among the open providers.
  /// - Parameters:
  ///   - open: Providers that can be given an SMS now.
  ///   - working: Providers that are healthy and not paused, whether open now or not: while one of them that may
  ///     carry the SMS has not failed it, it waits for that one.
  public func candidates(open: Set<String>, working: Set<String>) -> Set<String> {
    if let pinned { return open.contains(pinned) ? [pinned] : [] }
    let usable = allowed.map { open.intersection($0) } ?? open
    if avoided.isEmpty { return usable }
    let others = (allowed.map { working.intersection($0) } ?? working).subtracting(avoided)
    return others.isEmpty ? usable : usable.intersection(others)
  }

  /// Whether it may be carried by this one and by no more than a few others.
  func isBound(to provider: String) -> Bool { pinned == provider || allowed?.contains(provider) == true }
}
