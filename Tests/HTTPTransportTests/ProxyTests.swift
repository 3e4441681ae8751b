import HTTPTransport
import Logging
import TestSupport
import Testing

/// With Debian's tinyproxy.
@Suite("A request through a proxy", .serialized, .timeLimit(.minutes(1)))
struct ProxyTests {
  private func post(_ url: String, by proxy: String, claimed: Bool = false) -> HTTPTransportRequest {
    var request = HTTPTransportRequest.post(url, "a=b")
    request.proxy = proxy
    if claimed {
      request.claimedAt = .now - .seconds(60)
      request.claimLimit = .seconds(1)
    }
    return request
  }

  private func origin() throws -> RawServer {
    try RawServer { connection in
      while connection.readRequest() != nil { connection.respond(body: "taken") }
    }
  }

  @Test("to http: is forwarded with its body, and its credentials stay with the proxy")
  func plain() async throws {
    let (proxy, origin) = (try await Tinyproxy(credentials: "user secret"), try origin())
    let exchange = await makeTransport().perform(post(origin.url + "/x?y=z", by: proxy.url(user: "user:secret")))
    #expect(exchange.answer?.body == "taken")
    #expect(exchange.firstByteAt != nil && exchange.requestBytesWritten)
    let request = try #require(origin.requests.first)
    #expect(request.head.hasPrefix("POST /x?y=z HTTP/1."))
    #expect(request.body == "a=b")
    #expect(!request.head.lowercased().contains("proxy-authorization"))
    #expect(proxy.log.contains("POST http://127.0.0.1:\(origin.port)/x?y=z"))
  }

  @Test("to https: goes by CONNECT, so that the proxy sees nothing of it")
  func tunnel() async throws {
    let (proxy, origin) = (try await Tinyproxy(credentials: "user secret"), try await TLSServer())
    let transport = HTTPTransport(
      configuration: HTTPTransportConfiguration(userAgent: "test", authoritiesFile: origin.authoritiesFile),
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    let exchange = await transport.perform(post(origin.url, by: proxy.url(user: "user:secret")))
    #expect(exchange.answer?.status == 200)
    #expect(exchange.answer?.body == "3 None")
    #expect(exchange.firstByteAt != nil && exchange.requestBytesWritten)
    #expect(proxy.log.contains("CONNECT 127.0.0.1:\(origin.port)"))
    // The claim is looked at when the tunnel stands; CONNECT itself is no byte of the request.
    let late = await transport.perform(post(origin.url, by: proxy.url(user: "user:secret"), claimed: true))
    #expect(late.summary == "claimExpired")
    #expect(!late.requestBytesWritten)
  }

  @Test("was not sent when the proxy cannot be reached, or its name not be resolved", arguments: ["http", "https"])
  func unreachable(scheme: String) async throws {
    let port = try RawServer.unusedPort()
    let origin = try origin()
    let url = "\(scheme)://127.0.0.1:\(origin.port)/"
    let exchange = await makeTransport().perform(post(url, by: "http://127.0.0.1:\(port)"))
    #expect(exchange.summary == "notSent connection")
    #expect(!exchange.requestBytesWritten && exchange.firstByteAt == nil)
    let unknown = await makeTransport().perform(post(url, by: "http://nowhere.invalid:3128"))
    #expect(unknown.summary == "notSent resolve")
    #expect(origin.accepted == 0)
  }

  @Test("was not sent when the proxy refuses the credentials", arguments: ["http", "https"])
  func refused(scheme: String) async throws {
    let (proxy, origin) = (try await Tinyproxy(credentials: "user secret"), try origin())
    let url = "\(scheme)://127.0.0.1:\(origin.port)/"
    // tinyproxy answers wrong credentials with 401: without a tunnel that could be the provider's own.
    for user in scheme == "https" ? [nil, "user:wrong"] : [nil] {
      let exchange = await makeTransport().perform(post(url, by: proxy.url(user: user)))
      #expect(exchange.summary == "notSent connection")
      #expect(!exchange.requestBytesWritten && exchange.firstByteAt == nil)
    }
    #expect(origin.accepted == 0)
  }

  @Test("was not sent when the proxy cannot or may not connect to a provider with TLS")
  func noTunnel() async throws {
    let origin = try origin()
    let closed = try RawServer.unusedPort()
    let proxy = try await Tinyproxy(connectPorts: [closed])
    let away = await makeTransport().perform(post("https://127.0.0.1:\(closed)/", by: proxy.url()))
    #expect(away.summary == "notSent connection")
    let forbidden = await makeTransport().perform(post("https://127.0.0.1:\(origin.port)/", by: proxy.url()))
    #expect(forbidden.summary == "notSent connection")
    for exchange in [away, forbidden] { #expect(!exchange.requestBytesWritten && exchange.firstByteAt == nil) }
    #expect(origin.accepted == 0)
  }

  @Test(
    "was not sent when the proxy answers CONNECT with an error",
    arguments: ["407 Proxy Authentication Required", "502 Bad Gateway", "503 Service Unavailable", "403 Forbidden"])
  func connectRefused(status: String) async throws {
    let proxy = try RawServer { connection in
      connection.readRequest()
      connection.respond(status, headers: ["Retry-After: 9"], body: "<status>OK</status>")
    }
    let exchange = await makeTransport().perform(post("https://127.0.0.1:9/", by: proxy.url))
    #expect(exchange.summary == "notSent connection")
    #expect(!exchange.requestBytesWritten && exchange.firstByteAt == nil)
    #expect(proxy.requests.first?.head.hasPrefix("CONNECT 127.0.0.1:9 ") == true)
  }
}
