import Testing

@testable import APIGateway

@Suite("The API's description")
struct OpenAPITests {
  @Test("It names exactly the routes that are served, and each operation once")
  func routes() async throws {
    let document = try OpenAPIDocument()
    let described = (document.root["paths"]?.members ?? []).flatMap { path in
      path.value.members.map { "\($0.name.uppercased()) \(path.name)" }
    }
    let served = try await GatewayFixture.run { gateway in
      gateway.routes.map { "\($0.method.rawValue) \($0.path)" }
    }
    #expect(Set(described).subtracting(served).sorted() == [], "described, not served")
    #expect(Set(served).subtracting(described).sorted() == [], "served, not described")
    #expect(Set(served).count == served.count, "each route once")
    let ids = (document.root["paths"]?.members ?? []).flatMap(\.value.members).compactMap {
      $0.value["operationId"]?.text
    }
    #expect(Set(ids).count == described.count)
  }

  @Test("It names every error code, and every reference leads somewhere")
  func references() throws {
    let document = try OpenAPIDocument()
    let codes = document.root["components"]?["schemas"]?["Error"]?["properties"]?["error"]?["properties"]?["code"]?[
      "enum"]
    #expect(Set(codes?.elements.compactMap(\.text) ?? []) == Set(APIError.Code.allCases.map(\.rawValue)))
    var found = 0
    func walk(_ value: JSONValue) {
      for member in value.members {
        if member.name == "$ref" {
          found += 1
          #expect(document.resolve(value) != .null, "\(JSONWriter.text(member.value))")
        }
        walk(member.value)
      }
      value.elements.forEach(walk)
    }
    walk(document.root)
    #expect(found > 100)
  }

  @Test("Every operation says what it answers without a token, but for those that need none")
  func security() throws {
    let document = try OpenAPIDocument()
    for path in document.root["paths"]?.members ?? [] {
      for operation in path.value.members {
        let isOpen = operation.value["security"] == .array([])
        let statuses = operation.value["responses"]?.members.map(\.name) ?? []
        #expect(isOpen || statuses.contains("401"), "\(operation.name) \(path.name)")
        #expect(!path.name.hasPrefix("/api/admin/") || statuses.contains("403"), "\(operation.name) \(path.name)")
      }
    }
  }

  @Test("It is served as JSON, and as a page without another host or a script")
  func served() async throws {
    try await GatewayFixture.run { gateway in
      let json = try await gateway.http.request("GET", "/openapi.json")
      #expect(json.status == 200)
      #expect(json.headers["content-type"] == "application/json; charset=utf-8")
      #expect(json.string("openapi") == "3.1.0")
      #expect(json.string("paths./api/sms.post.operationId") == "sendMessage")
      let page = try await gateway.http.request("GET", "/docs")
      #expect(page.status == 200)
      #expect(page.headers["content-type"] == "text/html; charset=utf-8")
      #expect(page.headers["content-security-policy"]?.contains("style-src 'self'") == true)
      #expect(page.body.contains("/api/sms/send-bulk"))
      #expect(page.body.contains("IDEMPOTENCY_IN_FLIGHT"))
      #expect(!page.body.contains("http://") && !page.body.contains("https://") && !page.body.contains("<script"))
      #expect(!page.body.contains("{{"))
      #expect(page.body.contains("<code>IDEMPOTENCY_KEY_REUSED</code>"))
      #expect(page.body.contains("<td><code>job_status</code></td>"))
      #expect(page.body.contains(##"<p><a href="#schema-Error">Error</a></p>"##))
      #expect(page.body.contains("schema-Error\">\n<summary>"))
      let style = try await gateway.http.request("GET", "/docs/style.css")
      #expect(style.headers["content-type"] == "text/css; charset=utf-8")
    }
  }

  @Test("Scalars are read as YAML 1.2 has them, and written as JSON")
  func scalars() throws {
    let yaml = "{a: 1, b: -2.5, c: \"3\", d: true, e: null, f: 2026-11-21, g: [x, \"y\\\"z\"]}"
    let value = try OpenAPIDocument(yaml: yaml).root
    #expect(JSONWriter.text(value) == #"{"a":1,"b":-2.5,"c":"3","d":true,"e":null,"f":"2026-11-21","g":["x","y\"z"]}"#)
  }
}
