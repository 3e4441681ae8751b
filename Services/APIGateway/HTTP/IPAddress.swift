import Foundation

/// An IP address; IPv4 as IPv6 has it (`::ffff:1.2.3.4`), so that both spellings are one address.
struct IPAddress: Sendable, Hashable, CustomStringConvertible {
  /// Sixteen of them.
  let bytes: [UInt8]

  private static let mapped: [UInt8] = Array(repeating: 0, count: 10) + [0xFF, 0xFF]

  init?(_ text: String) {
    var four = in_addr()
    var six = in6_addr()
    if inet_pton(AF_INET, text, &four) == 1 {
      bytes = Self.mapped + withUnsafeBytes(of: four) { Array($0) }
    } else if inet_pton(AF_INET6, text, &six) == 1 {
      bytes = withUnsafeBytes(of: six) { Array($0) }
    } else {
      return nil
    }
  }

  var isVersion4: Bool { bytes.starts(with: Self.mapped) }

  var description: String {
    if isVersion4 { return bytes[12...].map { String($0) }.joined(separator: ".") }
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    let bytes = bytes
    guard inet_ntop(AF_INET6, bytes, &text, socklen_t(text.count)) != nil else { return "" }
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Whom guesses are counted against: one customer of IPv6 has a whole /64.
  var group: [UInt8] { isVersion4 ? bytes : Array(bytes[..<8]) }
}

/// A block of addresses: `10.0.0.0/8`, `fd00::/8`, or one address.
struct AddressRange: Sendable, Hashable {
  private let address: IPAddress
  private let bits: Int

  init?(_ text: String) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let address = IPAddress(String(parts[0])) else { return nil }
    self.address = address
    let length = address.isVersion4 ? 32 : 128
    guard parts.count == 2 else {
      bits = 128
      return
    }
    guard let prefix = Int(parts[1]), (0...length).contains(prefix) else { return nil }
    bits = 128 - length + prefix
  }

  func contains(_ other: IPAddress) -> Bool {
    for place in 0..<16 {
      let count = min(8, max(0, bits - place * 8))
      let mask = UInt8(truncatingIfNeeded: 0xFF00 >> count)
      if (address.bytes[place] ^ other.bytes[place]) & mask != 0 { return false }
    }
    return true
  }
}
