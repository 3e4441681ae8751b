import Contracts
import HTTPTypes
import Hummingbird
import Metering
import Metrics
import ServiceKit

/// Takes requests for SMS: check, hand to the broker, answer.
struct SendController: Sendable {
  let authenticator: Authenticator
  let reader: BodyReader
  let check: SubmissionCheck
  let publisher: SubmissionPublisher
  let queue: QueueView
  let providers: ProviderView

  private static let acceptedMessages = Counter(label: "sluice_gateway_messages_accepted_total")
  private static let acceptedUnits = Counter(label: "sluice_gateway_sms_accepted_total")
  private static let unconfirmed = Counter(label: "sluice_gateway_messages_unconfirmed_total")

  var routes: [Route] {
    [
      // A path with a slash at its end is the same path.
      .user(.post, "/api/sms", authenticator) { try await send($0, $1, $2, .single) },
      .user(.post, "/api/sms/send", authenticator) { try await send($0, $1, $2, .single) },
      .user(.post, "/api/sms/send-bulk", authenticator) { try await send($0, $1, $2, .bulk) },
      .user(.post, "/api/sms/estimate", authenticator) { try await estimate($0, $1, $2) },
      .user(.post, "/api/sms/{id}", authenticator) { request, context, principal in
        try await send(request, context, principal, .single, pinnedTo: try provider(of: context))
      },
    ]
  }

  private func send(
    _ request: Request, _ context: GatewayContext, _ principal: Principal, _ form: SubmissionForm,
    pinnedTo provider: String? = nil
  ) async throws -> Response {
    if request.headers.contains(Self.idempotencyKey) {
      throw APIError.invalidField("Idempotency-Key", "not_supported", "Idempotency keys are not supported yet")
    }
    let draft = try await draft(request, context, form, pinnedTo: provider)
    let now = Timestamp.now()
    let submission = try check.check(draft, now: now)
    let message = accepted(submission, principal, now)
    try LateCheck.check(draft, expiresAt: message.expiresAt) { queue.estimate(message, now: now) }
    do {
      try await publisher.publish(message, requestID: context.requestID, traceparent: context.traceparent)
    } catch {
      Self.unconfirmed.increment()
      context.logger.debug(
        "The broker did not confirm a message", metadata: [LogKey.messageID: "\(message.messageID)"])
      throw error
    }
    Self.acceptedMessages.increment()
    Self.acceptedUnits.increment(by: message.recipients.count)
    let answer = AcceptedAnswer(
      message: message, rejected: submission.rejected, duplicates: submission.duplicates,
      placement: queue.accept(message, now: now), now: now)
    var response = Response.json(status: .accepted, answer.body)
    response.headers[.location] = "/api/sms/\(message.messageID)"
    return response
  }

  /// Answers what a send would, and does nothing.
  private func estimate(
    _ request: Request, _ context: GatewayContext, _ principal: Principal
  ) async throws -> Response {
    let draft = try await draft(request, context, nil)
    let now = Timestamp.now()
    let submission = try check.check(draft, now: now)
    let message = accepted(submission, principal, now)
    let placement = queue.estimate(message, now: now)
    try LateCheck.check(draft, expiresAt: message.expiresAt) { placement }
    let answer = AcceptedAnswer(
      message: message, rejected: submission.rejected, duplicates: submission.duplicates,
      placement: placement, now: now, isQueued: false)
    return .json(answer.body)
  }

  private func draft(
    _ request: Request, _ context: GatewayContext, _ form: SubmissionForm?, pinnedTo provider: String? = nil
  ) async throws -> SubmissionDraft {
    _ = try Query(request, allowing: [])
    var draft = try SubmissionDecoder.decode(try await reader.read(request, context), as: form)
    if let provider {
      guard draft.provider == nil || draft.provider == provider else {
        throw APIError.invalidField("provider", "conflict", "The path names another provider")
      }
      draft.provider = provider
    }
    return draft
  }

  /// The provider that the path names.
  private func provider(of context: GatewayContext) throws -> String {
    let name = context.parameters.get("id") ?? ""
    if MessageID(name) != nil { throw APIError.methodNotAllowed(allowing: "DELETE, GET, HEAD") }
    guard providers[name] != nil else { throw APIError(.notFound, "No such provider") }
    return name
  }

  private func accepted(_ submission: Submission, _ principal: Principal, _ now: Timestamp) -> MessageAccepted {
    MessageAccepted(
      messageID: .timeOrdered(at: now), userID: principal.userID, messageClass: submission.messageClass,
      content: submission.content, recipients: submission.recipients, segments: submission.segmentation.segments,
      encoding: submission.segmentation.encoding.rawValue, weight: principal.weight,
      provider: submission.provider, sendAt: submission.times.sendAt, expiresAt: submission.times.expiresAt,
      reference: submission.reference, acceptedAt: now)
  }

  private static let idempotencyKey = HTTPField.Name.known("Idempotency-Key")
}
