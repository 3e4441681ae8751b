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
      try await refuseExpired(submission, draft, acceptedAt: acceptedAt, now: now)
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

  /// A repeat of what was refused with a 503 would be accepted to expire at once, unless the first try was taken after all.
  private func refuseExpired(
    _ judged: Judged, _ draft: SubmissionDraft, acceptedAt: Timestamp, now: Timestamp
  ) async throws {
    guard acceptedAt < now, let expiresAt = judged.message.expiresAt, expiresAt <= now else { return }
    // A read side that cannot be asked knows nothing: the caller asks again then, or later.
    let isTaken =
      (try? await TimeLimit.run(.milliseconds(500)) { try await isAccepted(judged.message.messageID) }) ?? false
    if !isTaken {
      throw APIError(
        .wouldExpire, "It has expired since it was first sent",
        details: [
          .init(
            draft.expiry?.field ?? "expires_at", "expired",
            "Its time counts from the first request with this Idempotency-Key")
        ])
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
