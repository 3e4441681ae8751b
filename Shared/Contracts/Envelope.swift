/// The body of one kind of broker message.
public protocol Payload: Codable, Sendable {
  /// Which kind it is.
  static var type: MessageType { get }
}

/// What every broker message carries beside its body.
public struct EnvelopeHeader: Codable, Sendable, Hashable {
  /// The contract's version; decoders keep older ones readable.
  public var v: Int
  public var type: MessageType
  /// The same for every repeat of the same message.
  public var id: EnvelopeID
  public var at: Timestamp
  /// The `X-Request-ID` of the HTTP request that caused it, in every service's log.
  public var requestID: String?
  /// W3C Trace Context, handed on unchanged.
  public var traceparent: String?

  public init(
    type: MessageType, id: EnvelopeID = .timeOrdered(), at: Timestamp = .now(), requestID: String? = nil,
    traceparent: String? = nil
  ) {
    v = 1
    self.type = type
    self.id = id
    self.at = at
    self.requestID = requestID
    self.traceparent = traceparent
  }

  enum CodingKeys: String, CodingKey {
    case v, type, id, at, traceparent
    case requestID = "request_id"
  }
}

/// A whole broker message: header and body, side by side in one flat JSON object.
public struct Envelope<Body: Payload>: Codable, Sendable {
  public var header: EnvelopeHeader
  public var body: Body

  public init(header: EnvelopeHeader, body: Body) {
    self.header = header
    self.body = body
  }

  public init(
    _ body: Body, id: EnvelopeID = .timeOrdered(), at: Timestamp = .now(), requestID: String? = nil,
    traceparent: String? = nil
  ) {
    header = EnvelopeHeader(type: Body.type, id: id, at: at, requestID: requestID, traceparent: traceparent)
    self.body = body
  }

  public init(from decoder: any Decoder) throws {
    header = try EnvelopeHeader(from: decoder)
    body = try Body(from: decoder)
  }

  public func encode(to encoder: any Encoder) throws {
    try header.encode(to: encoder)
    try body.encode(to: encoder)
  }
}
