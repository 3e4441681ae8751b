import Contracts

/// What shares one queue: SMS of one class, one user and one pinned provider, in order of arrival.
public struct FlowKey: Hashable, Sendable {
  public var messageClass: MessageClass
  public var userID: UserID
  /// The provider that the flow is pinned to; `nil` when any will do.
  public var provider: String?

  public init(messageClass: MessageClass, userID: UserID, provider: String? = nil) {
    self.messageClass = messageClass
    self.userID = userID
    self.provider = provider
  }
}
