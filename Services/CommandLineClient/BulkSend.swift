import ArgumentParser
import Foundation
import JSONHTTP

/// Sends one text to many numbers, or to each its own, in requests of a bounded size, each of them once.
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
  ///   - rejected: Lines that cannot be sent to.
  ///   - progress: Gets how many were handed over.
  /// - Throws: `CancellationError`. What goes wrong is in the result, beside what was accepted before.
  func run(_ entries: [NumberFile.Entry], rejected: [BulkResult.Rejected], progress: (Int) -> Void) async throws
    -> BulkResult
  {
    var result = BulkResult()
    result.rejected = rejected
    let batches = batches(of: entries)
    // One request alone is taken whole or not at all.
    if !options.skipInvalid, batches.count > 1 || !rejected.isEmpty {
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

  /// Those with the same text, in the order of the file, in requests of a bounded size.
  private func batches(of entries: [NumberFile.Entry]) -> [[NumberFile.Entry]] {
    var groups: [[NumberFile.Entry]] = []
    var places: [String?: Int] = [:]
    for entry in entries {
      if let place = places[entry.text] {
        groups[place].append(entry)
      } else {
        places[entry.text] = groups.count
        groups.append([entry])
      }
    }
    return groups.flatMap { group in
      stride(from: 0, to: group.count, by: size).map { Array(group[$0..<min($0 + size, group.count)]) }
    }
  }

  /// Asks whether a request would be taken; nothing is queued by it.
  private func check(_ batch: [NumberFile.Entry], _ result: inout BulkResult) async throws {
    guard let answer = try await ask("estimate", batch, headers: [], &result) else { return }
    guard !answer.isSuccess else { return }
    if result.note(invalidNumbersOf: answer, in: batch) {
      result.answers.append(answer)
    } else if !mayRepeat || answer.isPassing {
      result.refuse(answer)
    }
  }

  private func send(_ batch: [NumberFile.Entry], number: Int, _ result: inout BulkResult) async throws {
    let key = [("Idempotency-Key", "\(key)-\(number)")]
    guard let answer = try await ask("send-bulk", batch, headers: key, &result) else { return }
    if answer.isSuccess {
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
    var body = options.body(batch.map(\.number), text: batch.first?.text ?? text)
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
