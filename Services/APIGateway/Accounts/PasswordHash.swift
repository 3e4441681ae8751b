import Crypto
import CryptoExtras
import Foundation

/// scrypt of a password, as `scrypt$N$r$p$SALT$KEY` with the last two in base64.
enum PasswordHash {
  private static let rounds = 32_768
  private static let blockSize = 8
  private static let parallelism = 1

  /// Takes about a tenth of a second of one core, by design.
  static func make(of password: String, salt: [UInt8] = randomSalt()) throws -> String {
    let key = try KDF.Scrypt.deriveKey(
      from: Array(password.utf8), salt: salt, outputByteCount: 32, rounds: rounds, blockSize: blockSize,
      parallelism: parallelism)
    let encoded = key.withUnsafeBytes { Data($0).base64EncodedString() }
    return "scrypt$\(rounds)$\(blockSize)$\(parallelism)$\(Data(salt).base64EncodedString())$\(encoded)"
  }

  static func randomSalt() -> [UInt8] {
    var generator = SystemRandomNumberGenerator()
    return (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
  }
}
