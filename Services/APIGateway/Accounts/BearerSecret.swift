import Foundation

/// Makes secrets that nobody can guess: 256 random bits, in letters, digits, `-` and `_`.
enum BearerSecret {
  /// What a token made by an admin begins with, so that scanners and people recognise one.
  static let tokenPrefix = "sluice_"
  /// What a login's token begins with.
  static let sessionPrefix = "sluice_session_"

  static func make(prefix: String) -> String {
    var generator = SystemRandomNumberGenerator()
    let bytes = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    let text = Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_")
    return prefix + text.replacing("=", with: "")
  }
}
