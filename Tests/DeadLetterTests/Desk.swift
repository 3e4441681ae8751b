import Contracts
import Foundation
import NIOConcurrencyHelpers
import Postgres
import ServiceKit

@testable import DeadLetter

/// Requests over letters in a database of its own, with the scheduler played by the test.
final class Desk: Sendable {
  static let actor = LetterActor(userID: nil, name: "test")

  let pool: PostgresPool
  let requests: LetterRequests
  private let letters: LetterStore
  private let entries = NIOLockedValueBox<[UnitsDead.Entry]>([])

  init(pool: PostgresPool) {
    self.pool = pool
    requests = LetterRequests(pool: pool)
    letters = LetterStore(pool: pool)
  }

  /// All that was buried, in order.
  var buried: [UnitsDead.Entry] { entries.withLockedValue { $0 } }

  @discardableResult
  func bury(
    _ count: Int, state: UnitState = .dead, errorType: String = "timeout", provider: String = "hkt"
  ) async throws -> [UnitsDead.Entry] {
    var new = (0..<count).map { _ in Samples.dead(state: state, errorType: errorType, provider: provider) }
    for index in new.indices { new[index].attempts.sort { $0.dispatch < $1.dispatch } }
    _ = try await letters.open(try new.map(NewLetter.init))
    entries.withLockedValue { [new] in $0 += new }
    return new
  }

  func ask(_ command: LetterCommand, id: EnvelopeID = .timeOrdered()) async throws -> StoredRequest {
    try await requests.carryOut(command, EnvelopeHeader(type: command.type, id: id, requestID: "r-1"))
  }

  /// Why a command is refused.
  func reason(_ command: LetterCommand) async throws -> String? { try await ask(command).answer?.reason }

  /// How many letters a selection means.
  func count(_ selection: LetterSelection) async throws -> Int {
    try await LetterChoice(selection).count(pool).letters
  }

  /// Takes the orders that wait, as the relay would publish them.
  func orders<Body: Payload>(_ type: Body.Type) async throws -> [Envelope<Body>] {
    var orders: [Envelope<Body>] = []
    while let order = try await nextOrder() { orders.append(try Wire.decode(type, from: order)) }
    return orders
  }

  /// The next order that waits, as it is published.
  func nextOrder() async throws -> [UInt8]? {
    try await pool.withTransaction { connection in
      guard let order = try await PendingOrder.next(connection) else { return nil }
      try await order.markPublished(connection)
      return try await order.message(connection)?.body
    }
  }

  /// Tells that a replayed SMS has ended.
  func finish(_ entry: UnitsDead.Entry, _ state: UnitState, takenBack: Bool? = nil) async throws {
    let end = LettersFinished.Entry(unit: entry.unit, dispatch: entry.dispatch, state: state, takenBack: takenBack)
    _ = try await letters.finish([end], at: .now())
  }

  func load(_ id: EnvelopeID) async throws -> StoredRequest {
    guard let request = try await requests.load(id) else { throw RequestVanished() }
    return request
  }

  /// How many letters are in each state.
  func states() async throws -> [String: Int] {
    let rows = try await pool.query("SELECT state, count(*) AS letters FROM dead_letter.letters GROUP BY state")
    return try rows.reduce(into: [:]) { $0[try $1.decode("state")] = try $1.decode("letters") }
  }

  /// How many letters of a request have each result; the empty one is none yet.
  func results(_ request: StoredRequest) async throws -> [String: Int] {
    let rows = try await pool.query(
      """
      SELECT coalesce(result, '') AS result, count(*) AS letters FROM dead_letter.request_letters_read
      WHERE request_id = \(request.id.uuid) GROUP BY result
      """)
    return try rows.reduce(into: [:]) { $0[try $1.decode("result")] = try $1.decode("letters") }
  }
}

func withDesk(_ body: (Desk) async throws -> Void) async throws {
  try await withDatabase { pool in try await body(Desk(pool: pool)) }
}
