import Contracts
import Hummingbird
import Metering

/// Answers with messages, their SMS' numbers and where they stand.
struct MessageLists: Sendable {
  let store: ReadStore
  let queue: QueueView

  /// Numbers of one message that a list shows.
  private static let listedPhones = 100

  /// A page of a list.
  /// - Parameter extra: What is shown of each besides, made for all rows of the page.
  func page<Extra: Sendable>(
    _ filter: MessageFilter, _ page: MessagePage, with extra: ([MessageRow]) async throws -> Extra,
    _ write: (inout JSONWriter, MessageRow, Extra) -> Void
  ) async throws -> Response {
    var total: FoundTotal?
    if case .number = page { total = try await store.total(filter) }
    let found = try await store.messages(filter, page, total: total)
    let rows = try await store.withRetries(found.rows)
    let phones = rows.isEmpty ? [:] : try await store.phones(of: rows.map(\.messageID), limit: Self.listedPhones)
    let extra = try await extra(rows)
    let outlook = QueueOutlook(queue.snapshot, for: rows)
    let now = Timestamp.now()
    return .success { json in
      json.array("messages", rows) { json, row in
        json.element { json in
          MessageAnswer(row: row, outlook: outlook, now: now).write(&json)
          json.array("recipients", phones[row.messageID] ?? []) { json, phone in json.element(phone) }
          write(&json, row, extra)
        }
      }
      if let total, case .number(let number, let size) = page {
        json.member("total", total.count)
        json.member("total_is_exact", total.isExact)
        json.member("pages", max(1, (total.count + size - 1) / size))
        json.member("current_page", number)
      }
      json.member("next_cursor", found.next?.text)
    }
  }

  /// One message.
  func message(_ row: MessageRow, _ write: (inout JSONWriter) -> Void = { _ in }) async throws -> Response {
    let row = try await store.withRetries(row)
    let answer = MessageAnswer(row: row, outlook: QueueOutlook(queue.snapshot, for: [row]), now: .now())
    return .success { json in
      answer.write(&json)
      write(&json)
    }
  }

  /// A message's recipients, as the request asks.
  /// - Parameter message: Found only when the request is well formed.
  func recipients(_ request: Request, of message: () async throws -> MessageRow) async throws -> Response {
    let query = try Query(request, allowing: ["status", "limit", "cursor"])
    let state: UnitState? = try query.choice("status")
    let limit = try query.int("limit", in: 1...10_000, default: 10_000)
    let after = try query.int("cursor", in: 0...Int(Int32.max), default: -1)
    let found = try await store.recipients(
      of: try await message().messageID, state: state, after: after, limit: limit + 1)
    let rows = found.prefix(limit)
    return .success { json in
      json.array("recipients", rows) { json, row in json.element { json in row.write(&json) } }
      json.member("next_cursor", found.count > limit ? rows.last.map { String($0.unit.index) } : nil)
    }
  }
}
