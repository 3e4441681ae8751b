import Contracts
import Logging
import NIOConcurrencyHelpers
import Postgres
import ServiceKit
import ServiceLifecycle

/// Keeps users within their SMS a day, in all replicas together.
///
/// Sending does not depend on the database: while it is away everything is accepted, and counted afterwards.
final class DailyUse: Sendable {
  private let store: DailyUseStore
  private let calendar: LocalCalendar
  /// How long a request may be held up before it is published. A database that is away says so sooner; longer than for other
  /// questions, since whoever is let through uncounted may pass the limit.
  private let patience: Duration
  /// What was accepted and could not be counted yet. Bounded: beyond that nothing more is counted.
  private let owed = NIOLockedValueBox<[MessageID: DailyUseStore.Count]>([:])

  private static let capacity = 100_000

  init(store: DailyUseStore, calendar: LocalCalendar, patience: Duration = .milliseconds(1_500)) {
    self.store = store
    self.calendar = calendar
    self.patience = patience
  }

  /// Messages that wait to be counted.
  var waiting: Int { owed.withLockedValue { $0.count } }

  /// - Throws: `RATE_LIMITED` when the day's limit would be passed.
  func reserve(_ message: MessageAccepted, limit: Int, now: Timestamp = .now(), _ logger: Logger) async throws {
    let count = DailyUseStore.Count(
      messageID: message.messageID, userID: message.userID, day: calendar.day(of: now), sms: message.recipients.count)
    let mayGo: Bool
    do {
      mayGo = try await TimeLimit.run(patience) { [store] in try await store.reserve(count, limit: limit) }
    } catch let error as CancellationError {
      throw error
    } catch {
      owe(count, logger)
      return
    }
    guard !mayGo else { return }
    var error = APIError(
      .rateLimited, "Your SMS of the day are used up",
      details: [.init("daily_limit", "daily_limit_reached", "\(limit) SMS a day are allowed")])
    error.retryAfter = max(1, Int(calendar.untilTomorrow(from: now).inSeconds.rounded(.up)))
    throw error
  }

  /// Takes back what was counted for a message that will never be sent.
  func giveBack(_ message: MessageAccepted, _ logger: Logger) async {
    if owed.withLockedValue({ $0.removeValue(forKey: message.messageID) }) != nil { return }
    do {
      try await TimeLimit.run(patience) { [store] in try await store.giveBack(message.messageID) }
    } catch {
      // The user has a few less that day.
      logger.info("SMS that were not sent stay counted", metadata: [LogKey.messageID: "\(message.messageID)"])
    }
  }

  /// Counts what could not be counted before.
  func flush() async throws {
    while true {
      let batch = owed.withLockedValue { Array($0.values.prefix(1_000)) }
      guard !batch.isEmpty else { return }
      try await store.add(batch.sorted { $0.messageID < $1.messageID })
      owed.withLockedValue { owed in for count in batch { owed[count.messageID] = nil } }
    }
  }

  private func owe(_ count: DailyUseStore.Count, _ logger: Logger) {
    let isKept = owed.withLockedValue { owed in
      guard owed.count < Self.capacity || owed[count.messageID] != nil else { return false }
      owed[count.messageID] = count
      return true
    }
    if !isKept { logger.warning("SMS are not counted against daily limits: the database is away for too long") }
  }
}

/// Counts, when the database is back, what was accepted meanwhile.
struct DailyUseFlush: Service {
  let use: DailyUse
  let logger: Logger

  func run() async throws {
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        do {
          try await Task.sleep(for: .seconds(2))
          try await use.flush()
        } catch is CancellationError {
          break
        } catch {
          logger.debug("Daily use could not be counted yet", metadata: [LogKey.error: "\(error)"])
        }
      }
    }
    // At a stop once more, as long as that takes no time; what is lost then is counted in the users' favour.
    try? await TimeLimit.run(.seconds(1)) { [use] in try await use.flush() }
  }
}
