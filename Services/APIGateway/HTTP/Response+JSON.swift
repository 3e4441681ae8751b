import HTTPTypes
import Hummingbird

extension Response {
  /// An answer whose body is this JSON text.
  static func json(status: HTTPResponse.Status = .ok, _ bytes: [UInt8]) -> Response {
    var headers = HTTPFields()
    headers[.contentType] = "application/json; charset=utf-8"
    headers[.cacheControl] = "no-store"
    return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
  }

  /// `{"success": true, "data": {…}}`
  /// - Parameter message: Where there is something to say to a person.
  static func success(
    status: HTTPResponse.Status = .ok, message: String? = nil, _ data: (inout JSONWriter) -> Void
  ) -> Response {
    json(
      status: status,
      JSONWriter.object { json in
        json.member("success", true)
        if let message { json.member("message", message) }
        json.object("data", data)
      })
  }
}

extension HTTPField.Name {
  /// A name from this source, which is a valid token.
  static func known(_ name: StaticString) -> HTTPField.Name {
    guard let field = HTTPField.Name(name.description) else { preconditionFailure("not a header name: \(name)") }
    return field
  }
}
