import Foundation
import HTTPTransport
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1)))
struct OutcomeTests {
  @Test("A refused connection counts as not sent")
  func refused() async throws {
    let port = try RawServer.unusedPort()
    let exchange = await makeTransport().perform(.post("http://127.0.0.1:\(port)"))
    #expect(exchange.summary == "notSent connection")
    #expect(!exchange.requestBytesWritten)
    #expect(exchange.firstByteAt == nil)
  }

  @Test("A host name that does not resolve counts as not sent")
  func unresolved() async throws {
    #expect(await makeTransport().perform(.post("http://nowhere.invalid")).summary == "notSent resolve")
  }

  @Test("A peer that speaks no TLS gets nothing of the request")
  func tls() async throws {
    let server = try RawServer { connection in
      _ = connection.read()
      connection.write("no TLS here\r\n")
    }
    let url = server.url.replacing("http:", with: "https:")
    let exchange = await makeTransport().perform(.post(url, "secret words"))
    #expect(exchange.summary == "notSent tls")
    #expect(server.requests.isEmpty)
  }

  @Test("A provider that never answers ends in an unknown outcome when the time is over")
  func timeout() async throws {
    let server = try RawServer { connection in
      connection.readRequest()
      connection.waitForClose()
    }
    let start = ContinuousClock.now
    let exchange = await makeTransport().perform(.post(server.url, timeout: .milliseconds(300)))
    #expect(exchange.summary == "unknown timeout")
    #expect(exchange.finishedAt - start >= .milliseconds(290))
    #expect(exchange.finishedAt - start < .seconds(5))
    #expect(server.requests.count == 1)
  }

  @Test("A peer that never completes the connection ends as not sent when the connect time is over")
  func connectTimeout() async throws {
    let stall = try StalledListener()
    var request = HTTPTransportRequest.post(stall.server.url)
    request.connectTimeout = .milliseconds(200)
    #expect(await makeTransport().perform(request).summary == "notSent timeout")
  }

  @Test("A body that is cut off is a response that is not complete")
  func cutBody() async throws {
    let server = try RawServer { connection in
      connection.readRequest()
      connection.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\nX-Id: 7\r\n\r\nonly this")
    }
    let exchange = await makeTransport().perform(.post(server.url))
    #expect(exchange.answer?.status == 200)
    #expect(exchange.answer?.body == "only this")
    #expect(exchange.answer?.isComplete == false)
  }

  @Test("A head that is cut off is an unknown outcome")
  func cutHead() async throws {
    let server = try RawServer { connection in
      connection.readRequest()
      connection.write("HTTP/1.1 200 OK\r\nContent-Le")
    }
    let exchange = await makeTransport().perform(.post(server.url))
    #expect(exchange.summary == "unknown cut")
  }

  @Test("A body over the limit is kept up to the limit and not complete")
  func overLimit() async throws {
    let server = try RawServer { connection in
      connection.readRequest()
      connection.respond(body: String(repeating: "x", count: 300_000))
    }
    var request = HTTPTransportRequest.post(server.url)
    request.responseLimit = 1000
    let answer = await makeTransport().perform(request).answer
    #expect(answer?.body.utf8.count == 1000)
    #expect(answer?.isComplete == false)
  }

  @Test("A body of exactly the limit is complete")
  func exactLimit() async throws {
    let server = try RawServer { connection in
      connection.readRequest()
      connection.respond(body: String(repeating: "x", count: 1000))
    }
    var request = HTTPTransportRequest.post(server.url)
    request.responseLimit = 1000
    #expect(await makeTransport().perform(request).answer?.isComplete == true)
  }

  @Test(
    "An answer is whole in any framing: chunks with trailers, to the end of the connection, after interim answers",
    arguments: [
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nOK\r\n0\r\nX-Trailer: 1\r\n\r\n",
      "HTTP/1.0 200 OK\r\n\r\nOK", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nOK",
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK",
      "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nOK", "HTTP/1.1 200 OK\nContent-Length: 2\n\nOK",
    ])
  func framing(answer: String) async throws {
    let server = try RawServer { connection in
      connection.readRequest()
      connection.write(answer)
    }
    let answer = await makeTransport().perform(.post(server.url)).answer
    #expect(answer?.status == 200)
    #expect(answer?.body == "OK")
    #expect(answer?.isComplete == true)
  }

  @Test(
    "A content coding is decoded, though none is asked for",
    arguments: [
      ("gzip", "H4sIAAAAAAACA7MpLkksKS228/e20YcyARGceuUTAAAA", "<status>OK</status>"),
      ("deflate", "eJyzKS5JLCkttvP3ttGHMgFGTgcG", "<status>OK</status>"), ("br", "CwKAaGVsbG8D", "hello"),
      ("identity", "aGVsbG8=", "hello"),
    ])
  func coding(name: String, base64: String, text: String) async throws {
    let body = try #require(Data(base64Encoded: base64))
    let server = try RawServer { connection in
      connection.readRequest()
      connection.write("HTTP/1.1 200 OK\r\nContent-Encoding: \(name)\r\nContent-Length: \(body.count)\r\n\r\n")
      connection.write(Array(body))
    }
    let answer = await makeTransport().perform(.post(server.url)).answer
    #expect(answer?.body == text)
    #expect(answer?.isComplete == true)
    #expect(server.requests.first?.head.lowercased().contains("accept-encoding") == false)
  }

  @Test("A content coding that is unknown, false or expands without end makes the answer incomplete")
  func badCoding() async throws {
    // Five million zeros.
    let bomb = [UInt8](try zeros())
    for (name, body) in [("x-own", Array("OK".utf8)), ("gzip", Array("no gzip".utf8)), ("gzip", bomb)] {
      let server = try RawServer { connection in
        connection.readRequest()
        connection.write("HTTP/1.1 200 OK\r\nContent-Encoding: \(name)\r\nContent-Length: \(body.count)\r\n\r\n")
        connection.write(body)
      }
      let answer = await makeTransport().perform(.post(server.url)).answer
      #expect(answer?.status == 200)
      #expect(answer?.isComplete == false, "\(name)")
      #expect((answer?.body.utf8.count ?? 0) <= 65_536)
    }
  }

  /// A zip bomb, by the tool that every Debian has.
  private func zeros() throws -> Data {
    let process = Process()
    process.executableURL = URL(filePath: "/bin/sh")
    process.arguments = ["-c", "head -c 5000000 /dev/zero | gzip -9"]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return data
  }

  @Test("A redirect is an answer and is not followed")
  func redirect() async throws {
    let target = try RawServer { $0.respond(body: "here") }
    let url = target.url
    let server = try RawServer { connection in
      connection.readRequest()
      connection.respond("302 Found", headers: ["Location: \(url)"])
    }
    #expect(await makeTransport().perform(.post(server.url)).answer?.status == 302)
    #expect(target.accepted == 0)
  }

  @Test("Proxy variables of the environment are ignored")
  func proxyVariables() async throws {
    let proxy = try RawServer { $0.respond("502 Bad Gateway") }
    setenv("http_proxy", proxy.url, 1)
    setenv("all_proxy", proxy.url, 1)
    defer {
      unsetenv("http_proxy")
      unsetenv("all_proxy")
    }
    let server = try RawServer { connection in
      connection.readRequest()
      connection.respond()
    }
    #expect(await makeTransport().perform(.post(server.url)).answer?.status == 200)
    #expect(proxy.accepted == 0)
  }

  @Test("Plain HTTP is refused unless it is allowed")
  func secureByDefault() async throws {
    let server = try RawServer { $0.waitForClose() }
    let transport = HTTPTransport(logger: .init(label: "test"))
    #expect(await transport.perform(.post(server.url)).summary == "notSent other")
    #expect(server.accepted == 0)
  }

  @Test("A header with a line break is refused before anything is sent")
  func headerInjection() async throws {
    let server = try RawServer { $0.waitForClose() }
    var request = HTTPTransportRequest.post(server.url)
    request.headers = [("X-A", "b\r\nX-C: d")]
    #expect(await makeTransport().perform(request).summary == "notSent other")
    #expect(server.accepted == 0)
  }
}
