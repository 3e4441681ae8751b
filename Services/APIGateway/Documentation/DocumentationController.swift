import HTTPTypes
import Hummingbird

/// Serves the description of the API, for programs and for people. Nothing of it comes from another host.
struct DocumentationController: Sendable {
  private let json: [UInt8]
  private let page: String
  private let style: String

  /// - Throws: When a file that belongs beside the executable is missing.
  init(_ document: OpenAPIDocument) throws {
    json = document.json
    page = try DocumentationPage(document).html()
    style = try GatewayResources.text("docs.css")
  }

  var routes: [Route] {
    [
      Route(.get, "/openapi.json") { request, _ in
        _ = try Query(request, allowing: [])
        return .json(json)
      },
      file("/docs", "text/html; charset=utf-8", page),
      file("/docs/style.css", "text/css; charset=utf-8", style),
    ]
  }

  private func file(_ path: String, _ type: String, _ text: String) -> Route {
    Route(.get, path) { request, _ in
      _ = try Query(request, allowing: [])
      var headers = HTTPFields()
      headers[.contentType] = type
      headers[.cacheControl] = "no-cache"
      headers[.contentSecurityPolicy] =
        "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
      return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
  }
}
