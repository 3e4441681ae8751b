import Crypto
import CryptoExtras
import Foundation

/// scrypt of a password, as `scrypt$N$r$p$SALT$KEY` with the last two in base64.
struct PasswordHash: Sendable, Equatable {
  private static let rounds = 32_768
  private static let blockSize = 8
  private static let parallelism = 1

  private var rounds: Int
  private var blockSize: Int
  private var parallelism: Int
  private var salt: [UInt8]
  private var key: [UInt8]

  /// Reads a stored one.
  /// - Returns: `nil` for what is none, or would take more than a gateway can bear.
  init?(_ text: String) {
    let parts = text.split(separator: "$", omittingEmptySubsequences: false)
    guard parts.count == 6, parts[0] == "scrypt", let rounds = Int(parts[1]), let blockSize = Int(parts[2]),
      let parallelism = Int(parts[3]), let salt = Data(base64Encoded: String(parts[4])),
      let key = Data(base64Encoded: String(parts[5])), rounds > 1, rounds & (rounds - 1) == 0, rounds <= 1 << 18,
      (1...32).contains(blockSize), (1...16).contains(parallelism), key.count == 32
    else { return nil }
    self.rounds = rounds
    self.blockSize = blockSize
    self.parallelism = parallelism
    self.salt = Array(salt)
    self.key = Array(key)
  }

  /// False when it was made with other parameters than are used now.
  var isCurrent: Bool {
    rounds == Self.rounds && blockSize == Self.blockSize && parallelism == Self.parallelism
  }

  /// Whether this is the password. Takes as long as `make`, and the same whatever the answer. Blocks.
  func matches(_ password: String) throws -> Bool {
    let found = try Self.derive(password, salt, rounds, blockSize, parallelism)
    return zip(found, key).reduce(UInt8(found.count == key.count ? 0 : 1)) { $0 | ($1.0 ^ $1.1) } == 0
  }

  /// Takes about a tenth of a second of one core, by design. Blocks.
  static func make(of password: String, salt: [UInt8] = randomSalt()) throws -> String {
    let key = try derive(password, salt, rounds, blockSize, parallelism)
    let (salt, encoded) = (Data(salt).base64EncodedString(), Data(key).base64EncodedString())
    return "scrypt$\(rounds)$\(blockSize)$\(parallelism)$\(salt)$\(encoded)"
  }

  /// What the password of a user who is none is compared with, so that it takes as long. No password is known to match.
  static let dummy = PasswordHash(
    "scrypt$\(rounds)$\(blockSize)$\(parallelism)$\(Data(randomSalt()).base64EncodedString())$"
      + Data(randomSalt() + randomSalt()).base64EncodedString())

  static func randomSalt() -> [UInt8] {
    var generator = SystemRandomNumberGenerator()
    return (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
  }

  private static func derive(
    _ password: String, _ salt: [UInt8], _ rounds: Int, _ blockSize: Int, _ parallelism: Int
  ) throws -> [UInt8] {
    try KDF.Scrypt.deriveKey(
      from: Array(password.utf8), salt: salt, outputByteCount: 32, rounds: rounds, blockSize: blockSize,
      parallelism: parallelism
    ).withUnsafeBytes { Array($0) }
  }
}
