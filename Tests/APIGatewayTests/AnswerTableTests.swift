import Contracts
import Testing

@testable import APIGateway

@Suite("Answers to commands")
struct AnswerTableTests {
  private let table = AnswerTable(capacity: 2)

  private func answer(_ id: EnvelopeID) -> CommandAnswered {
    CommandAnswered(commandID: id, command: .messageCancel, result: .done)
  }

  private var soon: ContinuousClock.Instant { .now + .milliseconds(50) }

  @Test("An answer that comes while the command is still being sent is not missed")
  func early() async throws {
    let id = EnvelopeID.timeOrdered()
    let found = try await table.answer(to: id, by: .now + .seconds(10)) { table.take(answer(id)) }
    #expect(found?.commandID == id)
    #expect(table.count == 0)
  }

  @Test("An answer reaches the one that waits for it, once")
  func waiting() async throws {
    let (id, other) = (EnvelopeID.timeOrdered(), EnvelopeID.timeOrdered())
    let (sent, sending) = AsyncStream.makeStream(of: Void.self)
    async let found = table.answer(to: id, by: .now + .seconds(10)) { sending.yield() }
    for await _ in sent { break }
    table.take(answer(other))
    table.take(answer(id))
    table.take(answer(id))
    #expect(try await found?.commandID == id)
    #expect(table.count == 0)
  }

  @Test("Nobody waits for ever, and a late answer finds nobody")
  func late() async throws {
    let id = EnvelopeID.timeOrdered()
    #expect(try await table.answer(to: id, by: soon) {} == nil)
    table.take(answer(id))
    #expect(table.count == 0)
    // The time was up before the sending returned.
    #expect(try await table.answer(to: id, by: .now - .seconds(1)) {} == nil)
  }

  @Test("What cannot be sent leaves nothing behind")
  func failed() async throws {
    struct Failure: Error {}
    await #expect(throws: Failure.self) {
      _ = try await table.answer(to: .timeOrdered(), by: soon) { throw Failure() }
    }
    #expect(table.count == 0)
  }

  @Test("A caller that goes away leaves nothing behind")
  func cancelled() async throws {
    let (sent, sending) = AsyncStream.makeStream(of: Void.self)
    let task = Task { try await table.answer(to: .timeOrdered(), by: .now + .seconds(60)) { sending.yield() } }
    for await _ in sent { break }
    task.cancel()
    #expect(try await task.value == nil)
    #expect(table.count == 0)
  }

  @Test("More commands than the table holds are refused")
  func full() async throws {
    let ids = [EnvelopeID.timeOrdered(), .timeOrdered()]
    try await withThrowingTaskGroup(of: Void.self) { group in
      let (sent, sending) = AsyncStream.makeStream(of: Void.self)
      for id in ids {
        group.addTask { _ = try await table.answer(to: id, by: .now + .seconds(60)) { sending.yield() } }
      }
      var begun = 0
      for await _ in sent {
        begun += 1
        if begun == ids.count { break }
      }
      await #expect(throws: AnswerTable.Full.self) { _ = try await table.answer(to: .timeOrdered(), by: soon) {} }
      for id in ids { table.take(answer(id)) }
      try await group.waitForAll()
    }
    #expect(table.count == 0)
  }
}
