import HTTPTransport
import NIOConcurrencyHelpers
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1)))
struct ClaimTests {
  @Test("With an old claim nothing is written")
  func oldClaim() async throws {
    let server = try RawServer { $0.waitForClose() }
    var request = HTTPTransportRequest.post(server.url)
    request.claimedAt = .now - .milliseconds(150)
    let exchange = await makeTransport().perform(request)
    #expect(exchange.summary == "claimExpired")
    #expect(!exchange.requestBytesWritten)
    #expect(exchange.firstByteAt == nil)
    #expect(server.bytesRead == 0)
  }

  @Test("With a claim that is fresh enough the request goes out")
  func freshClaim() async throws {
    let server = try RawServer { connection in
      connection.readRequest()
      connection.respond()
    }
    var request = HTTPTransportRequest.post(server.url)
    request.claimedAt = .now
    request.claimLimit = .seconds(5)
    #expect(await makeTransport().perform(request).answer?.status == 200)
  }

  @Test("A claim that grew old while the connection was made is not used")
  func slowConnect() async throws {
    let stall = try StalledListener()
    var request = HTTPTransportRequest.post(stall.server.url)
    request.connectTimeout = .seconds(10)
    request.claimedAt = .now
    let began = NIOLockedValueBox(false)
    async let exchange = makeTransport().perform(request) { _ in began.withLockedValue { $0 = true } }
    stall.release(after: 0.3)
    #expect(await exchange.summary == "claimExpired")
    #expect(await exchange.connectedAfter.map { $0 > .milliseconds(100) } == true, "and the connection is the cause")
    #expect(!began.withLockedValue { $0 })
    #expect(stall.server.bytesRead == 0)
  }

  @Test("A connection that takes long is used when the claim may wait for it")
  func longClaim() async throws {
    let stall = try StalledListener { connection in
      while connection.readRequest() != nil { connection.respond() }
    }
    var request = HTTPTransportRequest.post(stall.server.url)
    request.connectTimeout = .seconds(10)
    request.claimedAt = .now
    request.claimLimit = .seconds(8)
    async let exchange = makeTransport().perform(request)
    stall.release(after: 0.3)
    #expect(await exchange.answer?.status == 200)
    #expect(await exchange.connectedAfter.map { $0 > .milliseconds(300) } == true)
  }

  @Test("A claim that is old on a kept connection is not used either")
  func keptConnection() async throws {
    let server = try RawServer { connection in
      while connection.readRequest() != nil { connection.respond() }
    }
    let transport = makeTransport()
    #expect(await transport.perform(.post(server.url, "fresh")).answer?.status == 200)
    var request = HTTPTransportRequest.post(server.url, "old")
    request.claimedAt = .now - .seconds(1)
    #expect(await transport.perform(request).summary == "claimExpired")
    #expect(server.requests.map(\.body) == ["fresh"])
    transport.close()
  }

  @Test("The first byte is reported once, before the answer")
  func firstByte() async throws {
    let server = try RawServer { connection in
      connection.readRequest()
      connection.respond()
    }
    let reported = NIOLockedValueBox<[ContinuousClock.Instant]>([])
    let start = ContinuousClock.now
    let exchange = await makeTransport().perform(.post(server.url)) { instant in
      reported.withLockedValue { $0.append(instant) }
    }
    let first = try #require(exchange.firstByteAt)
    #expect(reported.withLockedValue { $0 } == [first])
    #expect(start <= first && first <= exchange.finishedAt)
  }
}
