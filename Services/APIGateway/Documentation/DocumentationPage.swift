import Mustache

/// The description of the API as one page for people.
struct DocumentationPage: Sendable {
  /// Text with code between backticks.
  struct Prose: Sendable {
    struct Piece: Sendable {
      var text: String?
      var code: String?
    }

    var pieces: [Piece]

    init(_ text: String?) {
      pieces = (text ?? "").split(separator: "`", omittingEmptySubsequences: false).enumerated().map { place, part in
        place.isMultiple(of: 2) ? Piece(text: String(part)) : Piece(code: String(part))
      }
    }
  }

  /// A schema or an example: written out, or by the name under which it is.
  struct Shape: Sendable {
    var schemaName: String?
    var written: String?

    init?(_ value: JSONValue?) {
      guard let value else { return nil }
      let place = "#/components/schemas/"
      if case .string(let reference)? = value["$ref"], reference.hasPrefix(place) {
        schemaName = String(reference.dropFirst(place.count))
      } else {
        written = value.pretty()
      }
    }
  }

  struct Group: Sendable {
    var name: String
    var anchor: String
    var summary: Prose
    var operations: [Operation]
  }

  struct Operation: Sendable {
    var id: String
    var method: String
    var path: String
    var summary: String
    var description: Prose
    var parameters: [Parameter]
    var hasParameters: Bool
    var examples: [Example]
    var bodySchema: Shape?
    var responses: [Answer]
  }

  struct Parameter: Sendable {
    var name: String
    var place: String
    var isRequired: Bool
    var description: Prose
    var schema: Shape?
  }

  struct Example: Sendable {
    var summary: String
    var text: String
  }

  struct Answer: Sendable {
    var status: String
    var description: Prose
    var shape: Shape?
  }

  struct Schema: Sendable {
    var name: String
    var text: String
  }

  var title: String
  var version: String
  var paragraphs: [Prose]
  var groups: [Group]
  var schemas: [Schema]

  init(_ document: OpenAPIDocument) {
    let root = document.root
    title = root["info"]?["title"]?.text ?? ""
    version = root["info"]?["version"]?.text ?? ""
    paragraphs = (root["info"]?["description"]?.text ?? "").split(separator: "\n").filter { !$0.isEmpty }.map {
      Prose(String($0.trimmingPrefix("- ")))
    }
    let operations = (root["paths"]?.members ?? []).flatMap { path in
      path.value.members.map { (tag: $0.value["tags"]?.elements.first?.text, Self.operation($0, path.name, document)) }
    }
    groups = (root["tags"]?.elements ?? []).map { tag in
      let name = tag["name"]?.text ?? ""
      return Group(
        name: name, anchor: String(name.lowercased().map { $0 == " " ? "-" : $0 }),
        summary: Prose(tag["description"]?.text), operations: operations.filter { $0.tag == name }.map(\.1))
    }
    schemas = (root["components"]?["schemas"]?.members ?? []).map { Schema(name: $0.name, text: $0.value.pretty()) }
  }

  /// The whole page.
  func html() throws -> String {
    try HTMLText.template(try GatewayResources.text("docs.mustache")).render(self)
  }

  private static func operation(
    _ member: JSONMember, _ path: String, _ document: OpenAPIDocument
  ) -> Operation {
    let value = member.value
    let parameters = (value["parameters"]?.elements ?? []).map { parameter(document.resolve($0)) }
    let body = value["requestBody"].map(document.resolve)?["content"]?["application/json"]
    return Operation(
      id: value["operationId"]?.text ?? "", method: member.name.uppercased(), path: path,
      summary: value["summary"]?.text ?? "", description: Prose(value["description"]?.text),
      parameters: parameters, hasParameters: !parameters.isEmpty,
      examples: (body?["examples"]?.members ?? []).map {
        Example(summary: $0.value["summary"]?.text ?? $0.name, text: ($0.value["value"] ?? .null).pretty())
      },
      bodySchema: Shape(body?["schema"]),
      responses: (value["responses"]?.members ?? []).map { answer($0.name, document.resolve($0.value)) })
  }

  private static func parameter(_ value: JSONValue) -> Parameter {
    Parameter(
      name: value["name"]?.text ?? "", place: value["in"]?.text ?? "",
      isRequired: value["required"] == .bool(true), description: Prose(value["description"]?.text),
      schema: Shape(value["schema"]))
  }

  private static func answer(_ status: String, _ value: JSONValue) -> Answer {
    let content = value["content"]?.members.first?.value
    return Answer(
      status: status, description: Prose(value["description"]?.text),
      shape: Shape(content?["example"] ?? content?["schema"]))
  }
}
