import NIOConcurrencyHelpers
import NIOCore

/// Connections on which the last answer was given: what was sent behind its request is not carried out.
final class ClosingConnections: Sendable {
  private let closing = NIOLockedValueBox<Set<ObjectIdentifier>>([])

  func add(_ channel: any Channel) {
    let id = ObjectIdentifier(channel)
    closing.withLockedValue { _ = $0.insert(id) }
    channel.closeFuture.whenComplete { [closing] _ in closing.withLockedValue { _ = $0.remove(id) } }
  }

  func contains(_ channel: any Channel) -> Bool {
    let id = ObjectIdentifier(channel)
    return closing.withLockedValue { $0.contains(id) }
  }
}
