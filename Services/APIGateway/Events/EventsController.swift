import Contracts
import HTTPTypes
import Hummingbird
import ServiceLifecycle

/// Tells what happens as it happens: `GET /api/events`.
struct EventsController: Sendable {
  let authenticator: Authenticator
  let streams: EventStreams

  private static let lastEventID = HTTPField.Name.known("Last-Event-ID")
  private static let buffering = HTTPField.Name.known("X-Accel-Buffering")

  var routes: [Route] {
    [
      Route(.get, "/api/events") { request, context in
        try open(request, context, try authenticator.watcher(of: request, context))
      }
    ]
  }

  private func open(
    _ request: Request, _ context: GatewayContext, _ session: AuthenticatedSession
  ) throws -> Response {
    let query = try Query(request, allowing: ["last_event_id", "message_id"])
    let lastEventID = try Self.lastEventID(request, query)
    let messageID = try Self.messageID(query)
    let place = try streams.slots.take(for: session.principal.userID)
    let view = StreamView(
      user: session.principal.userID, isAdmin: session.principal.isAdmin, messageID: messageID)
    let streams = streams
    // The stream's body watches it for the caller's end.
    context.note.takeBody()
    let body = ResponseBody { writer in
      let control = StreamControl()
      try await withGracefulShutdownHandler {
        try await request.body.consumeWithInboundCloseHandler { _ in
          var stream = EventStream(
            streams: streams, control: control, session: session, context: context, view: view,
            lastEventID: lastEventID)
          try await stream.run(&writer)
        } onInboundClosed: {
          control.end()
        }
      } onGracefulShutdown: {
        control.end()
      }
      withExtendedLifetime(place) {}
    }
    var headers = HTTPFields()
    headers[.contentType] = "text/event-stream"
    headers[.cacheControl] = "no-store"
    headers[Self.buffering] = "no"
    return Response(status: .ok, headers: headers, body: body)
  }

  /// A browser that resumes says so in the header, and repeats the address with whatever it began with.
  private static func lastEventID(_ request: Request, _ query: Query) throws -> UInt64? {
    let header = request.headers[lastEventID].flatMap { $0.isEmpty ? nil : $0 }
    guard let text = header ?? query.string("last_event_id") else { return nil }
    guard let offset = UInt64(text), offset < UInt64(Int64.max) else {
      throw APIError.invalidField(
        header == nil ? "last_event_id" : "Last-Event-ID", "not_valid", "Must be the id of an earlier event")
    }
    return offset
  }

  private static func messageID(_ query: Query) throws -> MessageID? {
    guard let text = query.string("message_id") else { return nil }
    guard let id = MessageID(text) else {
      throw APIError.invalidField("message_id", "not_valid", "Must be the id of a message")
    }
    return id
  }
}
