import HTTPTransport
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1)))
struct CancellationTests {
  @Test("Cancelling after bytes went out leaves the outcome unknown")
  func cancelled() async throws {
    let server = try RawServer { connection in
      connection.readRequest()
      connection.waitForClose()
    }
    let transport = makeTransport()
    let url = server.url
    let task = Task { await transport.perform(.post(url, timeout: .seconds(60))) }
    try await wait { server.requests.count == 1 }
    task.cancel()
    #expect(await task.value.summary == "unknown cancelled")
  }

  @Test("A request of a cancelled task is not begun")
  func cancelledBefore() async throws {
    let server = try RawServer { $0.waitForClose() }
    let transport = makeTransport()
    let url = server.url
    let task = Task {
      while !Task.isCancelled { await Task.yield() }
      return await transport.perform(.post(url))
    }
    task.cancel()
    #expect(await task.value.summary == "notSent cancelled")
    #expect(server.accepted == 0)
  }

  @Test("Closing ends what is under way and refuses what comes later")
  func closed() async throws {
    let server = try RawServer { connection in
      connection.readRequest()
      connection.waitForClose()
    }
    let transport = makeTransport()
    let url = server.url
    let task = Task { await transport.perform(.post(url, timeout: .seconds(60))) }
    try await wait { server.requests.count == 1 }
    transport.close()
    #expect(await task.value.summary == "unknown cancelled")
    #expect(await transport.perform(.post(url)).summary == "notSent cancelled")
  }
}
