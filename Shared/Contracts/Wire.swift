import Foundation

/// Why a broker message could not be understood. Its text names the field, never a value.
public struct WireError: Error, Sendable, CustomStringConvertible {
  /// What is wrong.
  public enum Code: String, Sendable {
    case malformed
    case unsupportedVersion = "unsupported_version"
    case unexpectedType = "unexpected_type"
    case wrongQueue = "wrong_queue"
  }

  public let code: Code
  public let message: String

  public init(code: Code, message: String) {
    self.code = code
    self.message = message
  }

  public var description: String { "\(code.rawValue): \(message)" }
}

/// JSON to and from broker messages.
public enum Wire {
  /// The bytes of a message. Keys are sorted, so equal messages have equal bytes.
  public static func encode<Body>(_ envelope: Envelope<Body>) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return Array(try encoder.encode(envelope))
  }

  /// The header alone, to see what a message is.
  /// - Throws: `WireError` when the bytes are no message of this contract.
  public static func header(of bytes: [UInt8]) throws -> EnvelopeHeader {
    let header = try decoding(bytes) { try JSONDecoder().decode(EnvelopeHeader.self, from: $0) }
    try checkVersion(header)
    return header
  }

  /// The whole message; fields it does not know are ignored.
  /// - Throws: `WireError` when the bytes are not a message of this type.
  public static func decode<Body: Payload>(_ type: Body.Type = Body.self, from bytes: [UInt8]) throws -> Envelope<Body>
  {
    let envelope = try decoding(bytes) { try JSONDecoder().decode(Envelope<Body>.self, from: $0) }
    try checkVersion(envelope.header)
    guard envelope.header.type == Body.type else {
      throw WireError(
        code: .unexpectedType, message: "expected \(Body.type.rawValue), got \(envelope.header.type.rawValue)")
    }
    return envelope
  }

  private static func checkVersion(_ header: EnvelopeHeader) throws {
    guard header.v == 1 else {
      throw WireError(code: .unsupportedVersion, message: "version \(header.v) is not known")
    }
  }

  private static func decoding<T>(_ bytes: [UInt8], _ decode: (Data) throws -> T) throws -> T {
    do {
      return try decode(Data(bytes))
    } catch let error as DecodingError {
      throw WireError(code: .malformed, message: error.field)
    } catch {
      throw WireError(code: .malformed, message: "not readable")
    }
  }
}

extension DecodingError {
  /// Which field is wrong and how, without its value.
  fileprivate var field: String {
    func path(_ context: Context, _ key: (any CodingKey)? = nil) -> String {
      let keys = context.codingPath + (key.map { [$0] } ?? [])
      return keys.map { $0.intValue.map { "[\($0)]" } ?? ".\($0.stringValue)" }.joined()
    }
    return switch self {
    case .keyNotFound(let key, let context): "\(path(context, key)) is missing"
    case .typeMismatch(_, let context): "\(path(context)) has the wrong type"
    case .valueNotFound(_, let context): "\(path(context)) is null"
    case .dataCorrupted(let context): context.codingPath.isEmpty ? "not JSON" : "\(path(context)) is not valid"
    @unknown default: "not readable"
    }
  }
}
