import Foundation
import Yams

/// The description of the HTTP API (OpenAPI 3.1), which is written in `Resources/openapi.yaml`.
struct OpenAPIDocument: Sendable {
  /// The whole document.
  let root: JSONValue

  /// - Throws: When the file that the build put beside the executable is not there, or is no such document.
  init() throws {
    try self.init(yaml: GatewayResources.text("openapi.yaml"))
  }

  init(yaml: String) throws {
    root = try Yams.compose(yaml: yaml).map { JSONValue($0) } ?? .null
  }

  /// As it is served.
  var json: [UInt8] { Array(JSONWriter.text(root).utf8) }

  /// What a `$ref` stands for, as often as it takes; anything else is itself.
  func resolve(_ value: JSONValue) -> JSONValue {
    var value = value
    // A document that refers in circles is shown as far as it goes.
    for _ in 0..<8 {
      guard case .string(let reference)? = value["$ref"], reference.hasPrefix("#/") else { return value }
      var target = root
      for part in reference.dropFirst(2).split(separator: "/") { target = target[String(part)] ?? .null }
      value = target
    }
    return value
  }
}

/// Files that belong to the gateway and lie beside its executable.
enum GatewayResources {
  struct Missing: Error, CustomStringConvertible {
    var name: String
    var description: String { "The resource \(name) is missing; it belongs beside the executable" }
  }

  static func text(_ name: String) throws -> String {
    guard let url = Bundle.module.url(forResource: name, withExtension: nil) else {
      throw Missing(name: name)
    }
    return try String(contentsOf: url, encoding: .utf8)
  }
}
