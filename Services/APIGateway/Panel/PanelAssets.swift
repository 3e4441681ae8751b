import Crypto
import Foundation
import HTTPTypes
import Hummingbird

/// The panel's stylesheet and scripts, which browsers keep and ask about.
struct PanelAssets: Sendable {
  private struct File: Sendable {
    var path: String
    var type: String
    var text: String
    /// An entity tag (RFC 9110 §8.8.3).
    var tag: String
  }

  private let files: [File]

  /// - Throws: When a file that belongs beside the executable is missing.
  init() throws {
    files = try [
      ("panel.css", "text/css; charset=utf-8"), ("panel.js", "text/javascript; charset=utf-8"),
      ("icon.svg", "image/svg+xml"),
    ].map { name, type in
      let text = try GatewayResources.text(name)
      let digest = SHA256.hash(data: Data(text.utf8)).prefix(8).hexadecimal
      return File(path: "/panel/\(name)", type: type, text: text, tag: "\"\(digest)\"")
    }
  }

  var routes: [Route] {
    files.map { file in
      Route(.get, file.path) { request, _ in
        var headers: HTTPFields = [.eTag: file.tag, .cacheControl: "no-cache"]
        if request.headers[.ifNoneMatch] == file.tag { return Response(status: .notModified, headers: headers) }
        headers[.contentType] = file.type
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: file.text)))
      }
    }
  }
}
