import Contracts
import Hummingbird

extension SendController {
  /// Sends what has an idempotency key: the first time, or again with the same id as long as nobody knows how it ended.
  func send(
    _ draft: SubmissionDraft, key: IdempotencyKey, _ context: GatewayContext, _ principal: Principal
  ) async throws -> Response {
    let request = KeyedRequest(userID: principal.userID, key: key, body: CanonicalBody(draft))
    let deadline = ContinuousClock.now + publisher.timeout
    let now = Timestamp.now()
    var judged: Judged?
    do {
      judged = try judge(draft, principal, id: request.messageID, now: now)
    } catch let refusal as APIError {
      // What was taken once is not judged again: it may have expired meanwhile, or be late by now.
      guard try await idempotency.isKnown(request, context.logger) else { throw refusal }
    }
    let claim = try await idempotency.claim(request, at: now, context.logger)
    switch claim {
    case .replay(let answer): return replay(answer, request)
    case .wait(let seconds):
      var error = Self.refusal(.idempotencyInFlight, "in_flight", "A request with this key is under way")
      error.retryAfter = seconds
      throw error
    case .refuse:
      throw Self.refusal(.idempotencyKeyReused, "reused", "The key was used for another request")
    case .publish, nil: break
    }
    do {
      var acceptedAt = now
      if case .publish(let first) = claim { acceptedAt = first }
      // A repeat promises what the first one did: its times count from then.
      let submission =
        if let judged, acceptedAt == now { judged } else {
          try compose(draft, principal, id: request.messageID, now: acceptedAt)
        }
      let body = try await take(submission, principal, context, by: deadline)
      if claim != nil {
        await idempotency.keep(.init(status: 202, bytes: body), to: request, context.logger)
      }
      return accepted(body, request.messageID)
    } catch {
      if claim != nil { await idempotency.release(request, context.logger) }
      throw error
    }
  }

  private func replay(_ answer: KeyRecord.Answer, _ request: KeyedRequest) -> Response {
    var response = accepted(answer.bytes, request.messageID)
    response.status = .init(code: answer.status)
    response.headers[IdempotencyKey.replayed] = "true"
    return response
  }

  private static func refusal(_ code: APIError.Code, _ detail: String, _ message: String) -> APIError {
    APIError(code, message, details: [.init("Idempotency-Key", detail, message)])
  }
}
