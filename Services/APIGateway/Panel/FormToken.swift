import Crypto
import Foundation

/// What every form of the panel carries so that no other site can send it: made from a cookie that other sites cannot
/// read (OWASP Cross-Site Request Forgery Prevention, "HMAC-based token pattern").
struct FormToken: Sendable {
  /// The field's name.
  static let field = "csrf_token"

  let text: String

  /// - Parameter secret: The token of the session, or the visitor's cookie before there is one.
  init(secret: String) {
    let code = HMAC<SHA256>.authenticationCode(
      for: Data("sluice panel form".utf8), using: SymmetricKey(data: SHA256.hash(data: Data(secret.utf8))))
    text = code.hexadecimal
  }

  /// Compares in constant time.
  func matches(_ given: String?) -> Bool {
    guard let given, given.utf8.count == text.utf8.count else { return false }
    return zip(given.utf8, text.utf8).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
  }
}
