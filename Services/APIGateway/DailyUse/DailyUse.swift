import Contracts
import Logging
import NIOConcurrencyHelpers
import Postgres
import ServiceKit

/// Keeps users within their SMS a day, in all replicas together.
///
/// Sending does not depend on the database: while it is away everything is accepted, and counted afterwards. A database that
/// is there and does not count, or takes too long, lets nobody through.
final class DailyUse: Sendable {
  /// A message that may go.
  struct Reservation: Sendable {
    var messageID: MessageID
    /// This call counted it, or owes it; else an earlier try of the same message did.
    var isOurs: Bool
    fileprivate var attempt: Attempt
  }

  fileprivate typealias Attempt = Task<DailyUseStore.Outcome, any Error>

  private let store: DailyUseStore
  private let calendar: LocalCalendar
  /// How long a request may be held up before it is published. A database that is away says so sooner; longer than for other
  /// questions, since whoever is not counted by then is refused.
  private let patience: Duration
  /// What was accepted and could not be counted yet. Bounded: beyond that nothing more is counted.
  private let owed = NIOLockedValueBox<[MessageID: DailyUseStore.Count]>([:])

  private static let capacity = 100_000
  /// How long an answer waits until something is given back: a repeat right after it is counted anew then.
  private static let givingBackPatience = Duration.milliseconds(150)
  /// How long it may take behind the answer.
  private static let givingBackLimit = Duration.seconds(30)

  init(store: DailyUseStore, calendar: LocalCalendar, patience: Duration = .milliseconds(1_500)) {
    self.store = store
    self.calendar = calendar
    self.patience = patience
  }

  /// Messages that wait to be counted.
  var waiting: Int { owed.withLockedValue { $0.count } }

  /// - Throws: `RATE_LIMITED` when the day's limit would be passed, `SERVICE_UNAVAILABLE` when the database is there and
  ///   does not say so in time.
  func reserve(
    _ message: MessageAccepted, limit: Int, now: Timestamp = .now(), _ logger: Logger
  ) async throws -> Reservation {
    let count = DailyUseStore.Count(
      messageID: message.messageID, userID: message.userID, day: calendar.day(of: now), sms: message.recipients.count)
    let attempt = Attempt { [store] in try await store.reserve(count, limit: limit) }
    let outcome: DailyUseStore.Outcome
    do {
      outcome = try await TimeLimit.run(patience) { try await attempt.value }
    } catch {
      attempt.cancel()
      if !(error is CancellationError), isAway(error) {
        return Reservation(messageID: message.messageID, isOurs: owe(count, logger), attempt: attempt)
      }
      Task { await withdraw(message.messageID, after: attempt, logger) }
      throw refusal(of: message.messageID, because: error, logger)
    }
    guard outcome == .refused else {
      return Reservation(messageID: message.messageID, isOurs: outcome == .counted, attempt: attempt)
    }
    let used = await used(by: message.userID, on: now)
    throw usedUp(limit, used: used, needed: message.recipients.count, now)
  }

  /// How many SMS a user has used of a day; `nil` when that is not known now.
  func used(by user: UserID, on now: Timestamp = .now()) async -> Int? {
    let day = calendar.day(of: now)
    return try? await TimeLimit.run(patience) { [store] in try await store.used(by: user, on: day) }
  }

  /// Counts nothing. A database that is away or slow is no reason to refuse a question.
  /// - Throws: `RATE_LIMITED` when the day's limit would be passed.
  func check(_ message: MessageAccepted, limit: Int, now: Timestamp) async throws {
    let used = await used(by: message.userID, on: now)
    guard (used ?? 0) + message.recipients.count <= limit else {
      throw usedUp(limit, used: used, needed: message.recipients.count, now)
    }
  }

  private func usedUp(_ limit: Int, used: Int?, needed: Int, _ now: Timestamp) -> APIError {
    let left = used.map { "; \(max(0, limit - $0)) are left, and this needs \(needed)" } ?? ""
    var detail = APIError.Detail("daily_limit", "daily_limit_reached", "\(limit) SMS a day are allowed\(left)")
    detail.use = used.map { APIError.Detail.Use(limit: limit, used: $0, needed: needed) }
    var error = APIError(.rateLimited, "Your SMS of the day are used up", details: [detail])
    error.retryAfter = max(1, Int(calendar.untilTomorrow(from: now).inSeconds.rounded(.up)))
    return error
  }

  /// Takes back what this call counted for a message that will never be sent. Returns soon; what takes longer goes on.
  func giveBack(_ reservation: Reservation, _ logger: Logger) async {
    guard reservation.isOurs else { return }
    owed.withLockedValue { _ = $0.removeValue(forKey: reservation.messageID) }
    let work = Task {
      // What was given up may have been counted all the same, and a flush may have been faster.
      _ = await reservation.attempt.result
      await delete(reservation.messageID, logger)
    }
    // It goes on behind the answer when that is not enough.
    try? await TimeLimit.run(Self.givingBackPatience) { await work.value }
  }

  /// Counts what could not be counted before.
  func flush() async throws {
    while true {
      let batch = owed.withLockedValue { Array($0.values.prefix(1_000)) }
      guard !batch.isEmpty else { return }
      try await store.add(batch.sorted { $0.messageID < $1.messageID })
      let withdrawn = owed.withLockedValue { owed in
        batch.filter { owed.removeValue(forKey: $0.messageID) == nil }
      }
      // Given back while it was being counted.
      for count in withdrawn { try await store.giveBack(count.messageID) }
    }
  }

  // MARK: Steps

  /// The database is away, not slow and not at odds with a statement.
  private func isAway(_ error: any Error) -> Bool {
    (error as? PostgresError)?.isConnection ?? false || !store.isReachable
  }

  private func refusal(of message: MessageID, because error: any Error, _ logger: Logger) -> any Error {
    if error is CancellationError { return error }
    let reason = error is TimeLimit.Passed ? "the database took too long" : "\(error)"
    logger.error(
      "A message was not taken, since it could not be counted against the daily limit",
      metadata: [LogKey.messageID: "\(message)", LogKey.error: "\(reason)"])
    return APIError.unavailable(
      "Your SMS of the day cannot be counted now; nothing was sent",
      details: [.init("daily_limit", "not_counted", "The message was not accepted", messageID: message)])
  }

  /// Takes back what an attempt that was given up has counted after all.
  private func withdraw(_ message: MessageID, after attempt: Attempt, _ logger: Logger) async {
    switch await attempt.result {
    case .success(.counted): await delete(message, logger)
    case .failure(let error as PostgresError) where error.code == .commitUnknown: await delete(message, logger)
    case .success, .failure: break
    }
  }

  private func delete(_ message: MessageID, _ logger: Logger) async {
    do {
      try await TimeLimit.run(Self.givingBackLimit) { [store] in try await store.giveBack(message) }
    } catch {
      // The user has a few less that day.
      logger.info("SMS that were not sent may stay counted", metadata: [LogKey.messageID: "\(message)"])
    }
  }

  /// - Returns: Whether it is owed since now.
  private func owe(_ count: DailyUseStore.Count, _ logger: Logger) -> Bool {
    let (isNew, isKept) = owed.withLockedValue { owed in
      if owed[count.messageID] != nil { return (false, true) }
      guard owed.count < Self.capacity else { return (false, false) }
      owed[count.messageID] = count
      return (true, true)
    }
    if !isKept { logger.warning("SMS are not counted against daily limits: the database is away for too long") }
    return isNew
  }
}
