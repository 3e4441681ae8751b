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

  private static let acceptedMessages = Counter(label: "sluice_gateway_messages_accepted_total")
  private static let acceptedUnits = Counter(label: "sluice_gateway_sms_accepted_total")
  private static let unconfirmed = Counter(label: "sluice_gateway_messages_unconfirmed_total")

  var routes: [Route] {
    [
      // A path with a slash at its end is the same path.
      .user(.post, "/api/sms", authenticator) { try await send($0, $1, $2, .single) },
      .user(.post, "/api/sms/send", authenticator) { try await send($0, $1, $2, .single) },
      .user(.post, "/api/sms/send-bulk", authenticator) { try await send($0, $1, $2, .bulk) },
    ]
  }

  private func send(
    _ request: Request, _ context: GatewayContext, _ principal: Principal, _ form: SubmissionForm
  ) async throws -> Response {
    _ = try Query(request, allowing: [])
    if request.headers.contains(Self.idempotencyKey) {
      throw APIError.invalidField("Idempotency-Key", "not_supported", "Idempotency keys are not supported yet")
    }
    let draft = try SubmissionDecoder.decode(try await reader.read(request, context), as: form)
    let submission = try check.check(draft)
    let message = accepted(submission, principal)
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
    let placement = queue.accept(
      flow: FlowKey(messageClass: message.messageClass, userID: message.userID, provider: message.provider),
      count: message.recipients.count, weight: message.weight)
    let answer = AcceptedAnswer(
      message: message, rejected: submission.rejected, duplicates: submission.duplicates, placement: placement,
      now: .now())
    var response = Response.json(status: .accepted, answer.body)
    response.headers[.location] = "/api/sms/\(message.messageID)"
    return response
  }

  private func accepted(_ submission: Submission, _ principal: Principal) -> MessageAccepted {
    let now = Timestamp.now()
    return MessageAccepted(
      messageID: .timeOrdered(at: now), userID: principal.userID, messageClass: submission.messageClass,
      content: submission.content, recipients: submission.recipients, segments: submission.segmentation.segments,
      encoding: submission.segmentation.encoding.rawValue, weight: principal.weight,
      reference: submission.reference, acceptedAt: now)
  }

  private static let idempotencyKey = HTTPField.Name.known("Idempotency-Key")
}
