import Contracts
import Hummingbird
import Logging
import NIOConcurrencyHelpers
import Postgres
import ServiceKit

/// Keeps what admins do and who logs in: in the log at once, and in the database as soon as it takes it.
///
/// What is done does not depend on the database: an entry that cannot be written waits in memory.
struct AuditTrail: Sendable {
  let store: AuditStore
  let addresses: ClientAddress
  /// How long a request waits for its entry to be written.
  var patience = Duration.milliseconds(500)

  private let buffer: NIOLockedValueBox<AuditBuffer>

  init(store: AuditStore, addresses: ClientAddress, buffer: AuditBuffer = AuditBuffer()) {
    self.store = store
    self.addresses = addresses
    self.buffer = NIOLockedValueBox(buffer)
  }

  /// Entries that wait for the database.
  var waiting: Int { buffer.withLockedValue { $0.entries.count } }

  /// The handler, and after it an entry. Who is no admin leaves none, whatever they ask for.
  func audited(_ action: AuditAction, _ handler: @escaping Route.Handler) -> Route.Handler {
    { request, context in
      var context = context
      let note = AuditNote()
      context.auditNote = note
      do {
        let response = try await handler(request, context)
        await keep(action, note, outcome: response.status == .accepted ? "requested" : "done", request, context)
        return response
      } catch {
        await keep(action, note, outcome: Self.outcome(of: error), request, context)
        throw error
      }
    }
  }

  private static func outcome(of error: any Error) -> String {
    switch error {
    case let error as APIError: error.code.rawValue.lowercased()
    case is PostgresError: "service_unavailable"
    case is BodyReadError, is CancellationError: "aborted"
    default: "internal_error"
    }
  }

  private func keep(
    _ action: AuditAction, _ note: AuditNote, outcome: String, _ request: Request, _ context: GatewayContext
  ) async {
    let content = note.content
    switch action {
    case .login:
      // What nobody tried to guess a password with is none.
      guard content.details.contains(where: { $0.name == "tried" }) else { return }
    case .logout, .ownPassword, .ownTokenCreate, .ownTokenRevoke: guard content.actor != nil else { return }
    default: guard content.actor?.isAdmin == true, !content.isOwn, !content.isTrial else { return }
    }
    let named = action.isAboutOneself ? content.actor?.userID.description : context.parameters.get("id")
    let subject = content.subject ?? named
    let entry = AuditEntry(
      at: .now(), userID: content.actor?.userID, username: content.actor?.username, action: action.rawValue,
      subjectType: subject == nil ? nil : action.subject, subjectID: subject.flatMap(Self.storable),
      details: content.details.filter { $0.name != "tried" }, outcome: outcome,
      address: addresses.client(of: request, peer: context.peer), requestID: context.requestID)
    await keep(entry, context.logger)
  }

  /// Writes an entry to the log and, now or later, to the database.
  func keep(_ entry: AuditEntry, _ logger: Logger) async {
    logger.notice(
      "Audit",
      metadata: [
        "audit.action": "\(entry.action)", "audit.outcome": "\(entry.outcome)",
        "audit.subject_type": "\(entry.subjectType ?? "")", "audit.subject_id": "\(entry.subjectID ?? "")",
        "audit.details": "\(JSONWriter.text(.object(entry.details)))", "audit.address": "\(entry.address ?? "")",
        LogKey.userID: "\(entry.userID?.description ?? "")", "user.name": "\(entry.username ?? "")",
      ])
    do {
      try await TimeLimit.run(patience) { [store] in try await store.insert([entry]) }
    } catch {
      // Cancelled or not: what was done was done.
      if !buffer.withLockedValue({ $0.add(entry) }) {
        logger.error("An entry of the audit is in the log alone: the database is away for too long")
      }
    }
  }

  /// Writes what waits. An entry that was written before all the same is not written twice.
  func flush() async throws {
    while true {
      let batch = Array(buffer.withLockedValue { $0.entries.prefix(500) })
      guard !batch.isEmpty else { return }
      try await store.insert(batch)
      buffer.withLockedValue { $0.remove(first: batch.count) }
    }
  }

  /// Of a path that anybody may write anything in.
  private static func storable(_ text: String) -> String? {
    text.utf8.count <= 255 && !text.utf8.contains(0) ? text : nil
  }
}
