/// Puts method, header and body frames of one channel together to whole messages.
struct FrameAssembler {
  enum Method: Equatable {
    case deliver(DeliverMethod)
    case returned(ReturnMethod)
  }

  struct Content: Equatable {
    var method: Method
    var properties: ContentProperties
    var body: [UInt8]
  }

  private enum State {
    case idle
    case awaitingHeader(Method)
    case awaitingBody(Content, size: Int)
  }

  /// Larger bodies are refused: no broker that we support takes them by default.
  static let largestBody = 256 << 20
  private var state = State.idle

  /// The method that announces content.
  mutating func begin(_ method: Method) throws(AMQPError) {
    guard case .idle = state else { throw AMQPError(.protocolViolation, "content began inside other content") }
    state = .awaitingHeader(method)
  }

  /// - Returns: the message, when it has no body.
  mutating func header(_ header: ContentHeader) throws(AMQPError) -> Content? {
    guard case .awaitingHeader(let method) = state else {
      throw AMQPError(.protocolViolation, "a content header without its method")
    }
    guard header.bodySize <= Self.largestBody else {
      throw AMQPError(.protocolViolation, "a message of \(header.bodySize) bytes is too large")
    }
    let size = Int(header.bodySize)
    var content = Content(method: method, properties: header.properties, body: [])
    if size == 0 {
      state = .idle
      return content
    }
    content.body.reserveCapacity(size)
    state = .awaitingBody(content, size: size)
    return nil
  }

  /// - Returns: the message, when this was its last part.
  mutating func body(_ bytes: UnsafeRawBufferPointer) throws(AMQPError) -> Content? {
    guard case .awaitingBody(var content, let size) = state else {
      throw AMQPError(.protocolViolation, "a content body without its header")
    }
    state = .idle  // Leaves `content` the only owner of its array, so that appending copies nothing.
    guard content.body.count + bytes.count <= size else {
      throw AMQPError(.protocolViolation, "a content body longer than announced")
    }
    content.body.append(contentsOf: bytes)
    if content.body.count == size { return content }
    state = .awaitingBody(content, size: size)
    return nil
  }

  /// Forgets what was begun: the channel is gone.
  mutating func reset() { state = .idle }
}
