import ArgumentParser
import Foundation
import JSONHTTP

/// The gateway, as a shell sees it: an answer, or a text and an exit code.
struct Gateway: Sendable {
  let client: JSONClient

  /// Refused or away; the text was written already.
  typealias Answer = JSONClient.Answer

  /// - Parameter patience: How long it is repeated while the gateway is away.
  /// - Throws: `ExitCode`, after the reason was written to standard error.
  func call(
    _ method: String, _ path: String, query: [(String, String?)] = [], body: JSONValue? = nil,
    patience: Duration = .zero
  ) async throws -> Answer {
    let answer: Answer
    do {
      answer = try await ask(method, path + Self.text(query), body: body, patience: patience)
    } catch let error as JSONClient.NoAnswer {
      Console.complain("no answer from the gateway: \(error.description)")
      throw ExitCode.unavailable
    }
    guard answer.isSuccess else {
      Console.complain(Self.reason(answer))
      throw ExitCode.of(answer)
    }
    return answer
  }

  /// The last answer, whatever it is.
  /// - Throws: `JSONClient.NoAnswer`
  func ask(
    _ method: String, _ path: String, body: JSONValue?, headers: [(String, String)] = [], patience: Duration
  ) async throws -> Answer {
    let patience = Patience(deadline: .now + patience)
    while true {
      let pause: Duration
      do {
        let answer = try await client.send(method, path, body, headers: headers)
        guard let wait = patience.pause(after: answer, now: .now) else { return answer }
        pause = wait
      } catch let error as JSONClient.NoAnswer {
        guard let wait = patience.pauseAfterSilence(now: .now) else { throw error }
        pause = wait
      }
      try await Task.sleep(for: pause)
    }
  }

  /// What the gateway says is wrong, with every field that it names.
  static func reason(_ answer: Answer) -> String {
    if answer.isForeign {
      return
        "the answer (\(answer.status)) is not a gateway's: is SLUICE_URL right, or does a network ask for a login first?"
    }
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

extension Gateway.Answer {
  /// The gateway did what it was asked for: it says so in words, not by the status alone, which others use, too.
  var isSuccess: Bool { (200..<300).contains(status) && json.success.bool == true }

  /// Of something that is not the gateway, such as a guest network's page for logins.
  var isForeign: Bool { (200..<400).contains(status) && json.success.bool != true }
}
