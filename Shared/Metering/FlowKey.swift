import Contracts

/// What shares one queue: SMS of one class and one user that the same providers may carry, in order of arrival.
public struct FlowKey: Hashable, Sendable {
  public var messageClass: MessageClass
  public var userID: UserID
  /// The only providers that may carry them, sorted by name; `nil` for all. A pin is a set of one.
  public let providers: [String]?

  /// - Parameter provider: The provider that the flow is pinned to; `nil` when any will do.
  public init(messageClass: MessageClass, userID: UserID, provider: String? = nil) {
    self.init(messageClass: messageClass, userID: userID, providers: provider.map { [$0] })
  }

  /// - Parameter providers: The only ones that may carry its SMS, in any order; `nil` for all.
  public init(messageClass: MessageClass, userID: UserID, providers: [String]?) {
    self.messageClass = messageClass
    self.userID = userID
    self.providers = providers.map { $0.count > 1 ? Array(Set($0)).sorted() : $0 }
  }

  /// Of a message: its pin, or else what its user may use.
  public init(messageClass: MessageClass, userID: UserID, provider: String?, allowed: [String]?) {
    self.init(messageClass: messageClass, userID: userID, providers: provider.map { [$0] } ?? allowed)
  }

  /// Whether a provider may carry its SMS.
  public func mayUse(_ provider: String) -> Bool { providers?.contains(provider) ?? true }

  /// The one provider that the flow is pinned to; `nil` when there is a choice.
  public var provider: String? { providers?.count == 1 ? providers?.first : nil }
}
