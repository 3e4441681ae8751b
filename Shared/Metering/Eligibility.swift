/// Which providers may carry an SMS: those of its flow, but not those that failed it before while another works.
public struct Eligibility: Hashable, Sendable {
  /// The only ones; `nil` when any will do. Sorted.
  public var allowed: [String]?
  /// Skipped while another works; sorted.
  public var avoided: [String]

  public init(allowed: [String]? = nil, avoided: [String] = []) {
    self.allowed = allowed.map { $0.count > 1 ? Array(Set($0)).sorted() : $0 }
    // With one provider there is no other to wait for.
    self.avoided = avoided.isEmpty || self.allowed?.count == 1 ? [] : Array(Set(avoided)).sorted()
  }

  /// Whether a provider that has a slot may carry the SMS now.
  /// - Parameter working: Providers that are healthy and not paused, whether open now or not: while one of them that
  ///   may carry the SMS has not failed it, it waits for that one.
  public func permits(_ provider: String, working: Set<String>) -> Bool {
    guard includes(provider) else { return false }
    guard !avoided.isEmpty else { return true }
    if working.contains(provider), !avoided.contains(provider) { return true }
    return !working.contains { includes($0) && !avoided.contains($0) }
  }

  /// Whether the provider is one of those that may ever carry it.
  func includes(_ provider: String) -> Bool { allowed?.contains(provider) ?? true }
}
