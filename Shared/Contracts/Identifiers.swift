import Crypto
import Foundation

/// An identifier of one kind of thing; its text is a lower-case UUID (RFC 9562).
public struct Identifier<Kind>: Hashable, Sendable, Comparable, Codable, CustomStringConvertible {
  /// The value itself, as PostgreSQL stores it.
  public let uuid: UUID

  public init(_ uuid: UUID) { self.uuid = uuid }

  /// Reads the canonical text form, in upper or lower case.
  public init?(_ text: String) {
    guard text.utf8.count == 36, let uuid = UUID(uuidString: text) else { return nil }
    self.uuid = uuid
  }

  public var description: String { uuid.uuidString.lowercased() }

  public static func < (left: Self, right: Self) -> Bool {
    withUnsafeBytes(of: left.uuid.uuid) { left in
      withUnsafeBytes(of: right.uuid.uuid) { right in left.lexicographicallyPrecedes(right) }
    }
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let id = Self(text) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a UUID")
    }
    self = id
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}

extension Identifier {
  /// A new UUIDv7 (RFC 9562 §5.7): ordered by creation time to the millisecond, random beyond.
  public static func timeOrdered(at time: Timestamp = .now()) -> Self {
    let milliseconds = UInt64(max(0, time.microseconds / 1000))
    var bytes = [UInt8](repeating: 0, count: 16)
    for index in 0..<6 { bytes[index] = UInt8(truncatingIfNeeded: milliseconds >> (8 * (5 - UInt64(index)))) }
    var generator = SystemRandomNumberGenerator()
    let random = (generator.next(), generator.next())
    for index in 6..<16 {
      let word = index < 8 ? random.0 : random.1
      bytes[index] = UInt8(truncatingIfNeeded: word >> (8 * UInt64(index & 7)))
    }
    return Self(UUID(bytes, version: 7))
  }

  /// A UUIDv8 (RFC 9562 §5.8) from SHA-256 over the parts, each preceded by its length, so that no two lists of parts
  /// collide by concatenation.
  public static func derived(from parts: [[UInt8]]) -> Self {
    var hash = SHA256()
    for part in parts {
      withUnsafeBytes(of: UInt64(part.count).bigEndian) { hash.update(bufferPointer: $0) }
      hash.update(data: part)
    }
    return Self(UUID(Array(hash.finalize().prefix(16)), version: 8))
  }

  /// True for a UUIDv8, as `derived(from:)` makes them.
  public var isDerived: Bool { uuid.uuid.6 >> 4 == 8 }

  /// When a UUIDv7 was made, to the millisecond; `nil` for other versions.
  public var creationTime: Timestamp? {
    let bytes = withUnsafeBytes(of: uuid.uuid) { Array($0) }
    guard bytes[6] >> 4 == 7 else { return nil }
    let milliseconds = bytes[0..<6].reduce(Int64(0)) { $0 << 8 | Int64($1) }
    return Timestamp(microseconds: milliseconds * 1000)
  }
}

extension UUID {
  /// Sixteen bytes with RFC 9562's version and variant bits set over them.
  fileprivate init(_ bytes: [UInt8], version: UInt8) {
    var b = bytes
    b[6] = b[6] & 0x0F | version << 4
    b[8] = b[8] & 0x3F | 0x80
    self.init(
      uuid: (
        b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]
      ))
  }
}

/// Marks identifiers of messages.
public enum MessageKind {}
/// Marks identifiers of users.
public enum UserKind {}
/// Marks identifiers of broker messages: facts and commands.
public enum EnvelopeKind {}

/// One request of a caller: a text to one or more recipients. UUIDv7, or UUIDv8 with an Idempotency-Key.
public typealias MessageID = Identifier<MessageKind>
/// A user of the gateway.
public typealias UserID = Identifier<UserKind>
/// A broker message; a repeat of the same message has the same id.
public typealias EnvelopeID = Identifier<EnvelopeKind>
