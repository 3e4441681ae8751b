import Crypto
import Foundation
import Hummingbird

/// Sends what was composed: one message, or one for each text when texts are personal.
struct ComposeSender: Sendable {
  let visit: PanelVisit
  let form: ComposeForm
  let check: ComposeCheck

  /// Some messages were accepted and then one was not. The same form sent again goes on where this ended.
  struct Interrupted: Error {
    var done: Int
    var total: Int
    var reason: APIError
  }

  /// Messages that are handed over at once.
  private static let parallel = 16

  /// - Returns: The way to what was sent.
  /// - Throws: `APIError` when nothing was sent; `Interrupted`.
  func send() async throws -> Response {
    if check.groups.count == 1 {
      let id = try await send(check.groups[0], reference: nil)
      return visit.redirect("/history/\(id)", notice: "sent", ["n": check.count])
    }
    // What belongs together is found again by its reference.
    let reference = form.reference.isEmpty ? "panel-\(digest("").prefix(12))" : form.reference
    // The first by itself: what is wrong with all of them is wrong with it.
    _ = try await send(check.groups[0], reference: reference)
    var done = 1
    for start in stride(from: 1, to: check.groups.count, by: Self.parallel) {
      let batch = check.groups[start..<min(start + Self.parallel, check.groups.count)]
      let failures = await withTaskGroup(of: APIError?.self) { tasks in
        for group in batch {
          tasks.addTask {
            do {
              _ = try await send(group, reference: reference)
              return nil
            } catch {
              return .failure(error, visit.context.logger)
            }
          }
        }
        return await tasks.compactMap { $0 }.reduce(into: []) { $0.append($1) }
      }
      done += batch.count - failures.count
      if let reason = failures.first { throw Interrupted(done: done, total: check.groups.count, reason: reason) }
    }
    return visit.redirect(
      "/history?reference=\(PanelURL.escaped(reference))", notice: "sent",
      ["n": check.count, "messages": check.groups.count])
  }

  private func send(_ group: ComposeCheck.Group, reference: String?) async throws -> String {
    var options = check.options
    if let reference { options = options.filter { $0.0 != "reference" } + [("reference", .string(reference))] }
    if form.messageClass.isEmpty, check.count > 10 {
      options = options.filter { $0.0 != "class" } + [("class", .string("bulk"))]
    }
    let body = [
      ("recipients", JSONValue?.some(.array(group.numbers.map { .string($0) }))), ("content", .string(group.text)),
    ]
    // The form is one request of its sender, however many texts it has.
    let answer = try await visit.send(
      .post, "/api/sms/send-bulk", body + options,
      idempotencyKey: "panel-\(digest(group.text + "\n" + group.numbers.joined(separator: ",")))", isCounted: true)
    return answer["id"]?.text ?? ""
  }

  /// The same for the same form with the same content, so that it is sent once however often it comes.
  private func digest(_ content: String) -> String {
    let options = check.options.map { "\($0.0)=\($0.1.map(JSONWriter.text) ?? "")" }.joined(separator: "&")
    return SHA256.hash(data: Data("\(form.key)\n\(options)\n\(content)".utf8)).hexadecimal
  }
}
