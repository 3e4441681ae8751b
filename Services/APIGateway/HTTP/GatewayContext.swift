import Hummingbird
import NIOCore

/// What belongs to one request while it is answered.
struct GatewayContext: RequestContext {
  var coreContext: CoreRequestContextStorage
  /// The `X-Request-ID` of the answer.
  var requestID = ""
  /// W3C Trace Context of the caller.
  var traceparent: String?
  /// Header fields for the answer.
  let note = ResponseNote()
  /// What the audit keeps of this request, if it does.
  var auditNote: AuditNote?
  let channel: any Channel

  init(source: ApplicationRequestContextSource) {
    coreContext = CoreRequestContextStorage(source: source)
    channel = source.channel
  }

  /// Who the connection is from; a proxy, if there is one. `nil` for what has no address.
  var peer: String? { channel.remoteAddress?.ipAddress }

  /// Has a caller who waits for it send the body of this request. What cannot be said any more nobody waits for.
  func askForBody() { channel.triggerUserOutboundEvent(ContinueHandler.BodyWanted(), promise: nil) }

  /// Closes the connection after the caller has had time to read the answer: what is left of the request is unwanted.
  func closeConnectionSoon() {
    channel.eventLoop.scheduleTask(in: .milliseconds(500)) { [channel] in channel.close(promise: nil) }
  }

  /// Closes the connection at a time, unless that is cancelled.
  func closeConnection(in limit: TimeAmount) -> Scheduled<Void> {
    channel.eventLoop.scheduleTask(in: limit) { [channel] in channel.close(promise: nil) }
  }

  /// Closes the connection under work that takes longer; what the work reads from it then fails.
  func withConnectionDeadline<Result>(_ limit: TimeAmount, _ work: () async throws -> Result) async rethrows -> Result {
    let deadline = channel.eventLoop.scheduleTask(in: limit) { [channel] in channel.close(promise: nil) }
    defer { deadline.cancel() }
    return try await work()
  }

  /// The same, and looks every second whether the work may go on at all.
  func withConnectionDeadline<Result>(
    _ limit: TimeAmount, while isAllowed: @escaping @Sendable () -> Bool, _ work: () async throws -> Result
  ) async rethrows -> Result {
    let deadline = NIODeadline.now() + limit
    let step = min(limit, .seconds(1))
    let watch = channel.eventLoop.scheduleRepeatedTask(initialDelay: step, delay: step) { [channel] _ in
      if NIODeadline.now() >= deadline || !isAllowed() { channel.close(promise: nil) }
    }
    defer { watch.cancel() }
    return try await work()
  }
}
