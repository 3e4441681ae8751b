import ArgumentParser
import Foundation
import JSONHTTP

/// The gateway, as a shell sees it: an answer, or a text and an exit code.
struct Gateway: Sendable {
  let client: JSONClient

  /// Refused or away; the text was written already.
  typealias Answer = JSONClient.Answer

  /// - Throws: `ExitCode`, after the reason was written to standard error.
  func call(
    _ method: String, _ path: String, query: [(String, String?)] = [], body: JSONValue? = nil,
    headers: [(String, String)] = []
  ) async throws -> Answer {
    let answer = try await attempt(method, path, query: query, body: body, headers: headers)
    guard (200..<300).contains(answer.status) else {
      Console.complain(Self.reason(answer))
      throw ExitCode.of(status: answer.status)
    }
    return answer
  }

  /// The same, whatever the status is.
  func attempt(
    _ method: String, _ path: String, query: [(String, String?)] = [], body: JSONValue? = nil,
    headers: [(String, String)] = []
  ) async throws -> Answer {
    do {
      return try await client.send(method, path + Self.text(query), body, headers: headers)
    } catch let error as JSONClient.NoAnswer {
      Console.complain("no answer from the gateway: \(error.description)")
      throw ExitCode.unavailable
    }
  }

  /// What the gateway says is wrong, with every field that it names.
  static func reason(_ answer: Answer) -> String {
    let error = answer.json.error
    guard let message = error.message.string else { return "the gateway answered \(answer.status)" }
    let details = error.details.array.prefix(20).compactMap { detail -> String? in
      guard let field = detail.field.string, let text = detail.message.string, text != message else { return nil }
      return "\n  \(field.isEmpty ? "" : field + ": ")\(text)"
    }
    let more = error.details.array.count > 20 ? "\n  and \(error.details.array.count - 20) more" : ""
    return "\(message) (\(error.code.string ?? String(answer.status)))" + details.joined() + more
  }

  /// A path's part that somebody typed.
  static func escaped(_ part: String) -> String {
    part.addingPercentEncoding(withAllowedCharacters: unreserved) ?? ""
  }

  private static let unreserved = CharacterSet(
    charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")

  private static func text(_ query: [(String, String?)]) -> String {
    let pairs = query.compactMap { name, value in value.map { "\(name)=\(escaped($0))" } }
    return pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&")
  }
}
