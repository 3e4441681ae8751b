import Foundation

/// The holes of one segment of 1,024 numbers, a bit for each.
struct HoleBits: Sendable, Hashable {
  private var words = SIMD16<UInt64>()

  init() {}

  /// - Parameter places: Within 0 ..< 1,024.
  init(_ places: Range<Int>) {
    for word in 0..<16 {
      let lower = min(max(places.lowerBound - word * 64, 0), 64)
      let upper = min(max(places.upperBound - word * 64, 0), 64)
      if lower < upper { words[word] = (upper == 64 ? .max : (1 << UInt64(upper)) - 1) & ~((1 << UInt64(lower)) - 1) }
    }
  }

  /// As written by `base64`; `nil` for what is no such text.
  init?(base64 text: String) {
    guard let bytes = Data(base64Encoded: text), bytes.count <= 128 else { return nil }
    for (place, byte) in bytes.enumerated() { words[place / 8] |= UInt64(byte) << UInt64(place % 8 * 8) }
  }

  /// The bytes in base64, the first place in the lowest bit of the first byte, without the zero bytes at the end.
  var base64: String {
    var bytes = (0..<128).map { UInt8(truncatingIfNeeded: words[$0 / 8] >> UInt64($0 % 8 * 8)) }
    while bytes.last == 0 { bytes.removeLast() }
    return Data(bytes).base64EncodedString()
  }

  var isEmpty: Bool { words == SIMD16() }

  var count: Int { (0..<16).reduce(0) { $0 + words[$1].nonzeroBitCount } }

  /// Holes at places before this one.
  func count(before place: Int) -> Int {
    var masked = self
    masked.intersect(HoleBits(0..<place))
    return masked.count
  }

  mutating func formUnion(_ other: HoleBits) { words |= other.words }

  mutating func subtract(_ other: HoleBits) { words &= ~other.words }

  private mutating func intersect(_ other: HoleBits) { words &= other.words }
}
