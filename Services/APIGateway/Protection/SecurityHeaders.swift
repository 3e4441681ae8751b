import HTTPTypes
import Hummingbird

/// Header fields that keep browsers from doing what no answer asks for (OWASP Secure Headers).
struct SecurityHeaders: Sendable {
  /// Whether callers come by TLS, at a proxy in front of this service: then browsers are told to stay with it.
  var isBehindTLS = false

  private static let framing = HTTPField.Name.known("X-Frame-Options")
  static let referrer = HTTPField.Name.known("Referrer-Policy")
  private static let resources = HTTPField.Name.known("Cross-Origin-Resource-Policy")

  /// Adds what the answer does not say itself.
  func mark(_ response: inout Response) {
    func set(_ name: HTTPField.Name, _ value: String) {
      if response.headers[name] == nil { response.headers[name] = value }
    }
    set(.xContentTypeOptions, "nosniff")
    set(Self.framing, "DENY")
    set(Self.referrer, "no-referrer")
    set(Self.resources, "same-origin")
    set(.contentSecurityPolicy, "default-src 'none'; frame-ancestors 'none'; base-uri 'none'")
    if isBehindTLS { set(.strictTransportSecurity, "max-age=31536000") }
  }
}
