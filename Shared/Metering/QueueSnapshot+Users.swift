import Contracts

extension QueueSnapshot {
  /// The flows of one user in which something waits.
  public func flows(of user: UserID) -> [FlowKey] {
    Array(Set(flows.keys).union(accepted.keys).filter { $0.userID == user })
  }
}
