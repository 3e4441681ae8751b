import Foundation

@testable import APIGateway

extension RawHTTP.Answer {
  /// The field of a compose page that says whose it is.
  var writer: (String, String) {
    get throws {
      guard let writer = body.firstMatch(of: /name="writer" value="([0-9a-f-]+)"/) else {
        throw RawHTTP.Failure(what: "the page is nobody's")
      }
      return ("writer", String(writer.1))
    }
  }
}

/// A browser as far as the panel's safety goes: it keeps cookies and sends forms.
final class PanelBrowser {
  let http: RawHTTP
  private(set) var cookies: [String: String] = [:]
  var language = "en"
  /// Where its forms come from, as browsers tell it.
  var site = "same-origin"

  init(_ http: RawHTTP) { self.http = http }

  func keep(cookie name: String, _ value: String) { cookies[name] = value }

  func get(_ path: String) async throws -> RawHTTP.Answer {
    keep(try await http.request("GET", path, headers: headers))
  }

  /// Sends a form with the token of the page that it is on.
  func submit(
    _ path: String, _ fields: [(String, String)], from page: RawHTTP.Answer
  ) async throws -> RawHTTP.Answer {
    guard let token = page.body.firstMatch(of: /name="csrf_token" value="([0-9a-f]+)"/) else {
      throw RawHTTP.Failure(what: "the page has no form")
    }
    return try await send(path, [("csrf_token", String(token.1))] + fields)
  }

  /// Sends fields as they are.
  func send(_ path: String, _ fields: [(String, String)]) async throws -> RawHTTP.Answer {
    let body = String(PanelURL.query(fields.map { (name: $0.0, value: $0.1) }).dropFirst())
    var headers = headers
    headers["Content-Type"] = "application/x-www-form-urlencoded"
    headers["Sec-Fetch-Site"] = site
    return keep(try await http.request("POST", path, headers: headers, body: body))
  }

  /// Sends a form with a file in it, as `multipart/form-data`.
  func upload(
    _ path: String, _ fields: [(String, String)], file: (name: String, bytes: [UInt8]), from page: RawHTTP.Answer
  ) async throws -> RawHTTP.Answer {
    guard let token = page.body.firstMatch(of: /name="csrf_token" value="([0-9a-f]+)"/) else {
      throw RawHTTP.Failure(what: "the page has no form")
    }
    var body: [UInt8] = []
    for (name, value) in [("csrf_token", String(token.1))] + fields {
      body += "--x1\r\nContent-Disposition: form-data; name=\"\(name)\"\r\n\r\n\(value)\r\n".utf8
    }
    body += "--x1\r\nContent-Disposition: form-data; name=\"\(file.name)\"; filename=\"a.csv\"\r\n\r\n".utf8
    body += file.bytes + "\r\n--x1--\r\n".utf8
    var head = "POST \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: \(body.count)\r\n"
    head += "Content-Type: multipart/form-data; boundary=x1\r\nSec-Fetch-Site: \(site)\r\n"
    for (name, value) in headers { head += "\(name): \(value)\r\n" }
    return keep(try await http.send(Array((head + "\r\n").utf8) + body))
  }

  func logIn(_ username: String, _ password: String) async throws -> RawHTTP.Answer {
    try await submit("/login", [("username", username), ("password", password)], from: try await get("/login"))
  }

  private var headers: [String: String] {
    let jar = cookies.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: "; ")
    return ["Cookie": jar, "Accept-Language": language]
  }

  private func keep(_ answer: RawHTTP.Answer) -> RawHTTP.Answer {
    for line in (answer.headers["set-cookie"] ?? "").split(separator: "\n") {
      let parts = line.prefix { $0 != ";" }.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2 else { continue }
      cookies[String(parts[0])] = line.contains("Max-Age=0") ? nil : String(parts[1])
    }
    return answer
  }
}
