import Crypto

/// SHA-256 of a bearer token: all that is kept of it.
///
/// Tokens are looked up by it, so how long a lookup takes says nothing about a token.
struct TokenDigest: Hashable, Sendable {
  private let words: (UInt64, UInt64, UInt64, UInt64)

  init(token: String) {
    let digest = SHA256.hash(data: Array(token.utf8))
    words = digest.withUnsafeBytes { Self.load($0) }
  }

  /// - Returns: `nil` unless there are 32 bytes.
  init?(bytes: [UInt8]) {
    guard bytes.count == 32 else { return nil }
    words = bytes.withUnsafeBytes { Self.load($0) }
  }

  /// Hexadecimal digits; `nil` unless there are 64.
  init?(text: String) {
    let digits = text.utf8.compactMap { Character(Unicode.Scalar($0)).hexDigitValue }
    guard digits.count == 64, text.utf8.count == 64 else { return nil }
    self.init(bytes: stride(from: 0, to: 64, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) })
  }

  /// In hexadecimal digits.
  var text: String { bytes.hexadecimal }

  var bytes: [UInt8] { withUnsafeBytes(of: words) { Array($0) } }

  static func == (left: Self, right: Self) -> Bool { left.words == right.words }

  func hash(into hasher: inout Hasher) {
    hasher.combine(words.0)
    hasher.combine(words.1)
    hasher.combine(words.2)
    hasher.combine(words.3)
  }

  private static func load(_ bytes: UnsafeRawBufferPointer) -> (UInt64, UInt64, UInt64, UInt64) {
    (
      bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self), bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self),
      bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self), bytes.loadUnaligned(fromByteOffset: 24, as: UInt64.self)
    )
  }
}
