import HTTPTypes
import Hummingbird
import NIOCore

/// The connection failed while a body was read: there is nobody left to answer.
struct BodyReadError: Error {
  var underlying: any Error
}

/// Reads the JSON body of a request, within its limits of size and time.
struct BodyReader: Sendable {
  /// Bytes beyond which a body is refused, whether or not its length was announced.
  var limit: Int
  /// How long a caller may take to send it; then the connection is closed.
  var timeout = TimeAmount.seconds(15)
  /// Whether the caller's token must still work when the body is there.
  var asksAgain = true

  /// The same for whoever wants the body in any case, and looks at the token themselves.
  var unasked: BodyReader {
    var reader = self
    reader.asksAgain = false
    return reader
  }

  /// - Throws: `APIError`, `UNAUTHORIZED` among them when the caller's token has stopped working meanwhile.
  func read(
    _ request: Request, _ context: GatewayContext, as kind: MediaType.Kind = .json
  ) async throws -> [UInt8] {
    try checkType(request.headers, kind)
    return try await take(request, context)
  }

  /// The same where a body may be left out, whatever type a client says that nothing is of.
  func readOptional(_ request: Request, _ context: GatewayContext) async throws -> [UInt8] {
    let bytes = try await take(request, context)
    if !bytes.isEmpty { try checkType(request.headers, .json) }
    return bytes
  }

  /// Reads the body of an action that takes none: nothing or `{}`, whatever type a client says that it is of.
  /// - Throws: What a body that takes nothing is refused with, the names of its members among it.
  func readNothing(_ request: Request, _ context: GatewayContext) async throws {
    let bytes = try await take(request, context)
    if bytes.isEmpty { return }
    // What is no JSON is told below.
    if case .object(let members)? = try? JSONReader.read(bytes), members.isEmpty { return }
    try checkType(request.headers, .json)
    try MemberReader(bytes, allowing: []).check()
  }

  /// Reads a body that nobody wants, if it is a short one: only then can the connection be used for the next request.
  /// - Returns: False when what is left of it is not worth reading.
  func drain(_ request: Request, _ context: GatewayContext) async -> Bool {
    guard !context.note.isBodyTaken else { return true }
    // Who waits for a word before sending the body would wait for ever.
    guard request.headers[.transferEncoding] == nil, request.headers[.expect] == nil else { return false }
    let length = request.headers[.contentLength].flatMap { Int($0) } ?? 0
    guard length > 0 else { return true }
    guard length <= 65_536 else { return false }
    context.note.takeBody()
    // When the connection fails there is nobody left to answer.
    return
      (try? await context.withConnectionDeadline(timeout) { () async throws -> Void in
        for try await _ in request.body {}
      }) != nil
  }

  private func take(_ request: Request, _ context: GatewayContext) async throws -> [UInt8] {
    if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > limit { throw tooLarge }
    context.note.takeBody()
    if Self.waits(request) { context.askForBody() }
    let bytes = try await context.withConnectionDeadline(timeout) { try await collect(request.body) }
    // A body can be held back until long after its head was let in.
    if asksAgain, context.note.session?.isValid == false {
      throw APIError.invalidToken("The token is not valid any more")
    }
    return bytes
  }

  /// Whether the caller sends the body only after a word that it is wanted.
  private static func waits(_ request: Request) -> Bool {
    request.headers[.expect]?.lowercased() == "100-continue"
  }

  private func collect(_ body: RequestBody) async throws -> [UInt8] {
    var bytes: [UInt8] = []
    do {
      for try await chunk in body {
        guard bytes.count + chunk.readableBytes <= limit else { throw tooLarge }
        bytes.append(contentsOf: chunk.readableBytesView)
      }
    } catch let error as APIError {
      throw error
    } catch {
      throw BodyReadError(underlying: error)
    }
    return bytes
  }

  private func checkType(_ headers: HTTPFields, _ kind: MediaType.Kind) throws {
    if let encoding = headers[.contentEncoding], encoding.lowercased() != "identity" {
      throw APIError(
        .unsupportedMediaType, "The body may not be compressed",
        details: [APIError.Detail("Content-Encoding", "not_supported", "Send the body as it is")])
    }
    guard let type = headers[.contentType], !MediaType.is(kind, type) else { return }
    throw APIError(
      .unsupportedMediaType, "The body must be \(kind.rawValue) in UTF-8",
      details: [APIError.Detail("Content-Type", "not_supported", "Use \(kind.rawValue)")])
  }

  private var tooLarge: APIError {
    var error = APIError(.payloadTooLarge, "The body may have at most \(limit) bytes")
    error.closesConnection = true
    return error
  }
}

/// Media types as requests name them.
enum MediaType {
  /// What a route takes.
  enum Kind: String, Sendable {
    /// Also `application/…+json`.
    case json = "application/json"
    /// What browsers send of a form; also `multipart/form-data`.
    case form = "application/x-www-form-urlencoded"
  }

  /// Whether it is of this kind, with no charset but UTF-8.
  static func `is`(_ kind: Kind, _ header: String) -> Bool {
    let parts = header.lowercased().split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" } }
    guard let type = parts.first,
      type == kind.rawValue || kind == .json && type.hasPrefix("application/") && type.hasSuffix("+json")
        || kind == .form && type == "multipart/form-data"
    else { return false }
    return parts.dropFirst().allSatisfy { parameter in
      !parameter.hasPrefix("charset=")
        || ["charset=utf-8", "charset=\"utf-8\"", "charset=utf8"].contains(parameter)
    }
  }
}
