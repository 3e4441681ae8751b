import Contracts
import Foundation
import Logging
import NIOConcurrencyHelpers
import Postgres
import ServiceKit

/// Finds out whose messages they are: from memory, or from the read side in one query for many.
final class OwnerDirectory: Sendable {
  typealias Lookup = @Sendable ([MessageID]) async throws -> [MessageID: UserID]

  /// One query may take as long.
  static let timeLimit = Duration.seconds(1)
  /// After a query that failed none is made for so long.
  private static let rest = Duration.seconds(1)

  private let lookup: Lookup
  private let logger: Logger
  private let state = NIOLockedValueBox((map: OwnerMap(), restsUntil: ContinuousClock.Instant?.none))

  init(logger: Logger, lookup: @escaping Lookup) {
    self.lookup = lookup
    self.logger = logger
  }

  func note(_ id: MessageID, of user: UserID) { state.withLockedValue { $0.map.note(id, of: user) } }

  /// - Parameter attempts: How often to look for what is not there; the read side may be a little behind.
  /// - Returns: Without those that could not be found, or not in time.
  func owners(of ids: Set<MessageID>, attempts: Int = 1) async -> [MessageID: UserID] {
    await find(ids, attempts: attempts).found
  }

  /// - Returns: Those that could be found by now, and whether the read side answers.
  func find(_ ids: Set<MessageID>, attempts: Int = 1) async -> (found: [MessageID: UserID], isAnswering: Bool) {
    var (found, wanted, isAnswering) = remembered(ids)
    for attempt in 0..<attempts where !wanted.isEmpty && !Task.isCancelled {
      if attempt > 0 {
        // Ended early by cancellation alone.
        try? await Task.sleep(for: .milliseconds(100))
      }
      guard let more = await ask(wanted) else { return (found, false) }
      isAnswering = true
      found.merge(more) { old, _ in old }
      wanted.subtract(more.keys)
    }
    if !wanted.isEmpty { state.withLockedValue { [wanted] in $0.map.noteMissing(wanted, now: .now) } }
    return (found, isAnswering)
  }

  private func remembered(
    _ ids: Set<MessageID>
  ) -> (found: [MessageID: UserID], wanted: Set<MessageID>, isAnswering: Bool) {
    state.withLockedValue { state in
      var found: [MessageID: UserID] = [:]
      var wanted: Set<MessageID> = []
      let now = ContinuousClock.now
      for id in ids {
        if let user = state.map.owner(of: id) {
          found[id] = user
        } else if !state.map.isMissing(id, now: now) {
          wanted.insert(id)
        }
      }
      guard let until = state.restsUntil, now < until else { return (found, wanted, true) }
      return (found, [], false)
    }
  }

  /// - Returns: `nil` when the read side could not be asked.
  private func ask(_ ids: Set<MessageID>) async -> [MessageID: UserID]? {
    do {
      let lookup = lookup
      let found = try await TimeLimit.run(Self.timeLimit) { try await lookup(Array(ids)) }
      state.withLockedValue { state in for (id, user) in found { state.map.note(id, of: user) } }
      return found
    } catch {
      state.withLockedValue { $0.restsUntil = .now + Self.rest }
      logger.debug("The owners of messages could not be found", metadata: [LogKey.error: "\(error)"])
      return nil
    }
  }
}

extension ReadStore {
  /// Whose messages these are, of those that there are.
  func owners(of ids: [MessageID]) async throws -> [MessageID: UserID] {
    let rows = try await pool.query(
      "SELECT message_id, user_id FROM projection.messages_read WHERE message_id = ANY (\(ids.map(\.uuid)))")
    return try Dictionary(
      rows.map {
        (MessageID(try $0.decode("message_id", as: UUID.self)), UserID(try $0.decode("user_id", as: UUID.self)))
      }, uniquingKeysWith: { first, _ in first })
  }
}
