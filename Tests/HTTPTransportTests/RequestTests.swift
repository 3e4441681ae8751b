import HTTPTransport
import NIOConcurrencyHelpers
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1)))
struct RequestTests {
  @Test("The request arrives as given, without an Expect header")
  func asGiven() async throws {
    let server = try RawServer { connection in
      connection.readRequest()
      connection.respond("201 Created", headers: ["X-Id:  7 ", "Retry-After: 3"], body: "好")
    }
    let body = String(repeating: "x", count: 100_000) + "你好"
    var request = HTTPTransportRequest.post(server.url + "/a?b=c", body)
    request.headers = [("Content-Type", "application/json"), ("X-Request", "1")]
    let exchange = await makeTransport().perform(request)
    let arrived = try #require(server.requests.first)
    #expect(arrived.body == body)
    #expect(arrived.head.hasPrefix("POST /a?b=c HTTP/1.1\r\n"))
    #expect(arrived.head.contains("\r\nContent-Type: application/json"))
    #expect(arrived.head.contains("\r\nUser-Agent: test"))
    #expect(!arrived.head.lowercased().contains("expect"))
    guard case .response(let status, let headers, let bytes, let isComplete) = exchange.result else {
      Issue.record("no response")
      return
    }
    #expect(status == 201 && isComplete && String(decoding: bytes, as: UTF8.self) == "好")
    #expect(headers.contains { $0 == ("x-id", "7") })
    #expect(headers.contains { $0 == ("retry-after", "3") })
  }

  @Test("An interim answer is not the answer")
  func interim() async throws {
    let server = try RawServer { connection in
      connection.readRequest()
      connection.write("HTTP/1.1 102 Processing\r\nX-A: interim\r\n\r\n")
      connection.respond(headers: ["X-B: final"])
    }
    let exchange = await makeTransport().perform(.post(server.url))
    guard case .response(200, let headers, _, true) = exchange.result else {
      Issue.record("no response")
      return
    }
    #expect(headers.map(\.0) == ["content-length", "x-b"])
  }

  @Test("GET and DELETE go out by their names")
  func otherMethods() async throws {
    let server = try RawServer { connection in
      while connection.readRequest() != nil { connection.respond() }
    }
    let transport = makeTransport()
    for method in ["GET", "DELETE", "PUT"] {
      _ = await transport.perform(HTTPTransportRequest(method: method, url: server.url))
    }
    #expect(server.requests.map { String($0.head.prefix { $0 != " " }) } == ["GET", "DELETE", "PUT"])
    transport.close()
  }

  @Test("Connections are kept, and not where the request says so")
  func keepsConnections() async throws {
    let server = try RawServer { connection in
      while connection.readRequest() != nil { connection.respond() }
    }
    let transport = makeTransport()
    for _ in 1...3 { _ = await transport.perform(.post(server.url)) }
    #expect(server.accepted == 1)
    var request = HTTPTransportRequest.post(server.url)
    request.reuseConnections = false
    for _ in 1...3 { _ = await transport.perform(request) }
    #expect(server.accepted == 4)
    transport.close()
  }

  @Test("200 requests run at the same time")
  func concurrency() async throws {
    let waiting = NIOLockedValueBox(0)
    let server = try RawServer { connection in
      connection.readRequest()
      // Nobody is answered until all have arrived.
      waiting.withLockedValue { $0 += 1 }
      while waiting.withLockedValue({ $0 }) < 200 { waitBriefly() }
      connection.respond(body: "ok")
    }
    let transport = makeTransport()
    let url = server.url
    let answered = await withTaskGroup(of: Bool.self) { group in
      for number in 1...200 {
        group.addTask { await transport.perform(.post(url, "\(number)", timeout: .seconds(30))).answer?.body == "ok" }
      }
      return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
    }
    #expect(answered == 200)
    #expect(Set(server.requests.map(\.body)).count == 200)
    transport.close()
  }
}
