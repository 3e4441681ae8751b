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
  let idempotency: IdempotencyRegister
  let queue: QueueView
  let providers: ProviderView
  let daily: DailyUse
  /// Whether a message is known to have been taken.
  let isAccepted: @Sendable (MessageID) async throws -> Bool

  private static let acceptedMessages = Counter(label: "sluice_gateway_messages_accepted_total")
  private static let acceptedUnits = Counter(label: "sluice_gateway_sms_accepted_total")
  private static let unconfirmed = Counter(label: "sluice_gateway_messages_unconfirmed_total")

  /// A request that was checked, and the fact that it makes.
  struct Judged {
    var submission: Submission
    var message: MessageAccepted
  }

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
    let key = try IdempotencyKey(request.headers)
    let draft = try await draft(request, context, form, pinnedTo: provider)
    if let key { return try await send(draft, key: key, context, principal) }
    let now = Timestamp.now()
    let judged = try judge(draft, principal, id: .timeOrdered(at: now), now: now)
    let body = try await take(judged, principal, context, by: .now + publisher.timeout)
    return accepted(body, judged.message.messageID)
  }

  /// Answers what a send would, and does nothing.
  private func estimate(
    _ request: Request, _ context: GatewayContext, _ principal: Principal
  ) async throws -> Response {
    let draft = try await draft(request, context, nil)
    let now = Timestamp.now()
    let judged = try judge(draft, principal, id: .timeOrdered(at: now), now: now)
    if let limit = principal.limits.dailyLimit { try await daily.check(judged.message, limit: limit, now: now) }
    return .json(answer(judged, queue.estimate(judged.message, now: now), now, isQueued: false))
  }

  // MARK: Steps

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

  /// Whether a request can be taken now.
  func judge(_ draft: SubmissionDraft, _ principal: Principal, id: MessageID, now: Timestamp) throws -> Judged {
    let judged = try compose(draft, principal, id: id, now: now)
    try LateCheck.check(draft, judged.message, in: queue, now: now)
    return judged
  }

  /// The same, however late it would be.
  func compose(_ draft: SubmissionDraft, _ principal: Principal, id: MessageID, now: Timestamp) throws -> Judged {
    let submission = try UserBrakes(limits: principal.limits).applied(
      to: try check.check(draft, now: now), of: draft
    ) { providers[$0] != nil }
    let message = MessageAccepted(
      messageID: id, userID: principal.userID, messageClass: submission.messageClass,
      content: submission.content, recipients: submission.recipients, segments: submission.segmentation.segments,
      encoding: submission.segmentation.encoding.rawValue, weight: principal.weight,
      provider: submission.provider, providers: submission.providers, sendAt: submission.times.sendAt,
      expiresAt: submission.times.expiresAt,
      reference: submission.reference, acceptedAt: now)
    return Judged(submission: submission, message: message)
  }

  /// Counts it, where its user's SMS are counted, and hands it to the broker.
  /// - Returns: The body of the answer, once it is on disk there.
  func take(
    _ judged: Judged, _ principal: Principal, _ context: GatewayContext, by deadline: ContinuousClock.Instant
  ) async throws -> [UInt8] {
    guard let limit = principal.limits.dailyLimit else { return try await publish(judged, context, by: deadline) }
    let reservation = try await daily.reserve(judged.message, limit: limit, context.logger)
    do {
      return try await publish(judged, context, by: deadline)
    } catch {
      // What nobody knows may have arrived, so it counts.
      if (error as? APIError)?.isCertainlyUndone ?? !(error is CancellationError) {
        await daily.giveBack(reservation, context.logger)
      }
      throw error
    }
  }

  /// Hands it to the broker.
  /// - Returns: The body of the answer, once it is on disk there.
  func publish(
    _ judged: Judged, _ context: GatewayContext, by deadline: ContinuousClock.Instant
  ) async throws -> [UInt8] {
    let message = judged.message
    do {
      try await publisher.publish(
        message, requestID: context.requestID, traceparent: context.traceparent, by: deadline)
    } catch {
      Self.unconfirmed.increment()
      context.logger.debug(
        "The broker did not confirm a message", metadata: [LogKey.messageID: "\(message.messageID)"])
      throw error
    }
    Self.acceptedMessages.increment()
    Self.acceptedUnits.increment(by: message.recipients.count)
    let now = Timestamp.now()
    return answer(judged, queue.accept(message, now: now), now)
  }

  private func answer(_ judged: Judged, _ placement: Placement, _ now: Timestamp, isQueued: Bool = true) -> [UInt8] {
    AcceptedAnswer(
      message: judged.message, rejected: judged.submission.rejected, duplicates: judged.submission.duplicates,
      warnings: judged.submission.warnings, forcing: judged.submission.segmentation.forcing, placement: placement,
      now: now, isQueued: isQueued
    ).body
  }

  func accepted(_ body: [UInt8], _ id: MessageID) -> Response {
    var response = Response.json(status: .accepted, body)
    response.headers[.location] = "/api/sms/\(id)"
    return response
  }
}
