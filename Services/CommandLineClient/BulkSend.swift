import ArgumentParser
import Foundation
import JSONHTTP

/// Sends one text to many numbers, in requests of a bounded size, each of them once.
struct BulkSend {
  let gateway: Gateway
  let options: MessageOptions
  let text: String
  /// The first part of each request's idempotency key.
  let key: String
  /// Whether a command before may have used the key. What was taken then is not judged again by the gateway, so that only the
  /// numbers are checked.
  let mayRepeat: Bool
  /// Numbers in one request.
  let size: Int
  /// How long one request is repeated while the gateway is away.
  let patience: Duration

  /// - Parameters:
  ///   - empty: Lines without a number.
  ///   - progress: Gets how many were handed over.
  /// - Throws: `CancellationError`. What goes wrong is in the result, beside what was accepted before.
  func run(_ entries: [NumberFile.Entry], empty: [Int], progress: (Int) -> Void) async throws -> BulkResult {
    var result = BulkResult()
    result.rejected = empty.map { .init(line: $0, number: "", reason: "no number") }
    let batches = stride(from: 0, to: entries.count, by: size).map {
      Array(entries[$0..<min($0 + size, entries.count)])
    }
    // One request alone is taken whole or not at all.
    if !options.skipInvalid, batches.count > 1 || !empty.isEmpty {
      for batch in batches where result.failure == nil { try await check(batch, &result) }
      if result.failure == nil, !result.rejected.isEmpty { result.failure = .rows }
    }
    var done = 0
    for (number, batch) in batches.enumerated() {
      guard result.failure == nil else { break }
      try await send(batch, number: number, &result)
      done += batch.count
      if result.failure == nil { progress(done) }
    }
    return result
  }

  /// Asks whether a request would be taken; nothing is queued by it.
  private func check(_ batch: [NumberFile.Entry], _ result: inout BulkResult) async throws {
    guard let answer = try await ask("estimate", batch, headers: [], &result) else { return }
    guard answer.status != 200 else { return }
    if result.note(invalidNumbersOf: answer, in: batch) {
      result.answers.append(answer)
    } else if !mayRepeat || answer.isPassing {
      result.refuse(answer)
    }
  }

  private func send(_ batch: [NumberFile.Entry], number: Int, _ result: inout BulkResult) async throws {
    let key = [("Idempotency-Key", "\(key)-\(number)")]
    guard let answer = try await ask("send-bulk", batch, headers: key, &result) else { return }
    if answer.status == 202 {
      result.accept(answer, of: batch)
    } else if result.note(invalidNumbersOf: answer, in: batch) {
      result.answers.append(answer)
      // With bad numbers left out, there were no good ones.
      if !options.skipInvalid { result.failure = .rows }
    } else {
      result.refuse(answer)
    }
  }

  /// Asks until there is an answer that a repeat would not change: the key makes repeats harmless.
  private func ask(
    _ route: String, _ batch: [NumberFile.Entry], headers: [(String, String)], _ result: inout BulkResult
  ) async throws -> Gateway.Answer? {
    var body = options.body(batch.map(\.number), text: text)
    // One number alone would be another form of body.
    if case .object(var members) = body, let one = members.removeValue(forKey: "recipient") {
      members["recipients"] = .array([one])
      body = .object(members)
    }
    do {
      return try await gateway.ask("POST", "/api/sms/\(route)", body: body, headers: headers, patience: patience)
    } catch let error as JSONClient.NoAnswer {
      result.failure = .noAnswer(error.description)
      return nil
    }
  }
}
