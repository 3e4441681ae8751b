import HTTPTypes
import Hummingbird

/// Cookies of the panel (RFC 6265). None is readable by a script or sent along with another site's requests.
enum PanelCookie: String, Sendable {
  /// The token of a login.
  case session = "sluice_session"
  /// What a login form's token is made from before anybody is logged in.
  case visitor = "sluice_visitor"
  /// What was sent from this browser a few minutes ago: `SentBefore`.
  case sent = "sluice_sent"
  /// The language that somebody chose.
  case language = "sluice_language"

  /// Its name. Behind TLS a browser takes a name with `__Host-` only from this very host, over TLS and for all paths
  /// (RFC 6265bis §4.1.3): no other host of the domain, and nobody on the way, can plant a login or a form's secret.
  func name(isSecure: Bool) -> String { isSecure && self != .language ? "__Host-\(rawValue)" : rawValue }

  /// Its value in a request; `nil` when it is absent, empty or not one that we set.
  func value(in request: Request, isSecure: Bool) -> String? {
    let name = name(isSecure: isSecure)
    for header in request.headers[values: .cookie] {
      for pair in header.split(separator: ";") {
        let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].trimmingPrefix(while: { $0 == " " }) == name else { continue }
        let value = parts[1]
        guard (1...512).contains(value.utf8.count), value.utf8.allSatisfy(Self.isAllowed) else { return nil }
        return String(value)
      }
    }
    return nil
  }

  /// A `Set-Cookie` field.
  /// - Parameters:
  ///   - seconds: How long it is kept; `nil` until the browser is closed, 0 forgets it.
  ///   - isSecure: Only over TLS.
  func field(_ value: String, seconds: Int?, isSecure: Bool) -> HTTPField {
    var text = "\(name(isSecure: isSecure))=\(value); Path=/; HttpOnly; SameSite=Lax"
    if let seconds { text += "; Max-Age=\(seconds)" }
    if isSecure { text += "; Secure" }
    return HTTPField(name: .setCookie, value: text)
  }

  /// True for a `Set-Cookie` field of this cookie.
  func isSet(by field: String, isSecure: Bool) -> Bool { field.hasPrefix("\(name(isSecure: isSecure))=") }

  private static func isAllowed(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
      || "-._~+/".utf8.contains(byte)
  }
}
