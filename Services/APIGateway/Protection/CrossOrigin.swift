import HTTPTypes
import Hummingbird

/// Which other origins' pages may call the API (CORS, https://fetch.spec.whatwg.org/#http-cors-protocol). None by default.
///
/// Credentials are never allowed: such pages send a bearer token, and the panel's cookie is not for them.
struct CrossOrigin: Sendable {
  private let origins: Set<String>

  static let none = CrossOrigin(origins: [])

  /// - Parameter origins: `https://app.example.org`, or `*` for all.
  init(origins: Set<String>) { self.origins = origins }

  /// Scheme, host and port, as browsers write them.
  static func isOrigin(_ text: String) -> Bool {
    guard text != "*" else { return true }
    guard let scheme = ["https://", "http://"].first(where: { text.hasPrefix($0) }) else { return false }
    let host = text.dropFirst(scheme.count)
    return !host.isEmpty && host.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"/?#@,".utf8.contains($0) }
      && host == host.lowercased()
  }

  /// The answer to the question that a browser asks before the request; `nil` for everything else.
  func preflight(_ request: Request) -> Response? {
    guard request.method == .options, request.headers[.accessControlRequestMethod] != nil, isAPI(request),
      allowed(request) != nil
    else { return nil }
    var headers = HTTPFields()
    headers[.accessControlAllowMethods] = "GET, HEAD, POST, PATCH, DELETE"
    headers[.accessControlAllowHeaders] =
      "Authorization, Content-Type, Idempotency-Key, Last-Event-ID, X-Request-ID, traceparent"
    headers[.accessControlMaxAge] = "600"
    return Response(status: .noContent, headers: headers)
  }

  /// Lets the page of an allowed origin see the answer.
  func mark(_ response: inout Response, to request: Request) {
    guard !origins.isEmpty, isAPI(request) else { return }
    // An answer to one origin must not be given to another by a cache.
    response.headers[values: .vary].append("Origin")
    guard let origin = allowed(request) else { return }
    response.headers[.accessControlAllowOrigin] = origin
    response.headers[.accessControlExposeHeaders] =
      "Allow, Idempotent-Replayed, Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-ID"
  }

  private func allowed(_ request: Request) -> String? {
    guard let origin = request.headers[.origin] else { return nil }
    if origins.contains("*") { return "*" }
    return origins.contains(origin) ? origin : nil
  }

  private func isAPI(_ request: Request) -> Bool {
    request.uri.path.hasPrefix("/api/") || request.uri.path == "/openapi.json"
  }
}
