import ArgumentParser
import Foundation
import JSONHTTP

/// Sends one text to many numbers, in requests of a bounded size, each of them once.
struct BulkSend {
  /// What came of all of it.
  struct Result: Sendable {
    var messageIDs: [String] = []
    var accepted = 0
    var duplicates = 0
    /// Numbers that were left out, by their line.
    var rejected: [(line: Int, number: String, reason: String)] = []
    var answers: [JSONValue] = []
  }

  let gateway: Gateway
  let options: MessageOptions
  let text: String
  /// The first part of each request's idempotency key.
  let key: String
  /// Numbers in one request.
  let size: Int
  /// How long one request is repeated while the gateway is away.
  let patience: Duration

  func run(_ entries: [NumberFile.Entry], progress: (Int) -> Void) async throws -> Result {
    var result = Result()
    var start = 0
    while start < entries.count {
      let batch = Array(entries[start..<min(start + size, entries.count)])
      try await send(batch, number: start / size, into: &result)
      start += batch.count
      progress(start)
    }
    return result
  }

  private func send(_ batch: [NumberFile.Entry], number: Int, into result: inout Result) async throws {
    var body = options.body(batch.map(\.number), text: text)
    // One number alone would be another form of body.
    if case .object(var members) = body, let one = members.removeValue(forKey: "recipient") {
      members["recipients"] = .array([one])
      body = .object(members)
    }
    let answer = try await repeated(body, key: "\(key)-\(number)")
    switch answer.status {
    case 202:
      let data = answer.json.data
      result.messageIDs.append(answer.json.message_id.string ?? "")
      result.accepted += data.total.int ?? 0
      result.duplicates += data.duplicates.array.count
      result.answers.append(answer.json)
      for rejected in data.rejected.array { note(rejected, rejected.index.int, batch, &result) }
    case 400 where answer.json.error.code.string == "INVALID_RECIPIENTS":
      for detail in answer.json.error.details.array {
        // `recipients[3]`
        let index = detail.field.string.flatMap { Int($0.drop { !$0.isNumber }.prefix { $0.isNumber }) }
        note(detail, index, batch, &result)
      }
      // With bad numbers left out, there were no good ones.
      guard options.skipInvalid else {
        throw NumbersRefused(rejected: result.rejected)
      }
    default:
      Console.complain(Gateway.reason(answer))
      throw ExitCode.of(status: answer.status)
    }
  }

  /// Some numbers are none, and nothing was sent of their request.
  struct NumbersRefused: Error {
    var rejected: [(line: Int, number: String, reason: String)]
  }

  private func note(_ detail: JSONValue, _ index: Int?, _ batch: [NumberFile.Entry], _ result: inout Result) {
    guard let index, batch.indices.contains(index) else { return }
    result.rejected.append((batch[index].line, batch[index].number, detail.message.string ?? "not valid"))
  }

  /// Asks until there is an answer that a repeat would not change: the key makes repeats harmless.
  private func repeated(_ body: JSONValue, key: String) async throws -> Gateway.Answer {
    let deadline = ContinuousClock.now + patience
    while true {
      do {
        let answer = try await gateway.client.send(
          "POST", "/api/sms/send-bulk", body, headers: [("Idempotency-Key", key)])
        let isPassing =
          answer.status == 429 || answer.status == 503 || answer.json.error.code.string == "IDEMPOTENCY_IN_FLIGHT"
        guard isPassing, .now < deadline else { return answer }
        try await Task.sleep(for: .seconds(answer.headers["retry-after"].flatMap { Int($0) } ?? 1))
      } catch let error as JSONClient.NoAnswer {
        guard .now < deadline else {
          Console.complain("no answer from the gateway: \(error.description)")
          throw ExitCode.unavailable
        }
        try await Task.sleep(for: .seconds(1))
      }
    }
  }
}
