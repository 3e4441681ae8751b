import ArgumentParser
import JSONHTTP

/// Watches messages until all of them are final.
struct Follower {
  /// How long one question is repeated while the gateway is away.
  static let patience = Duration.seconds(30)

  let gateway: Gateway
  /// Shows nothing on the way.
  var isQuiet = false

  /// - Throws: `ExitCode.partly` when not all SMS were sent; what `Gateway.call` throws.
  func follow(_ ids: [String]) async throws {
    var bar = ProgressBar()
    defer { bar.end() }
    while true {
      let messages = try await ids.asyncMap { id in
        try await gateway.call("GET", "/api/sms/\(Gateway.escaped(id))", patience: Self.patience).json.data
      }
      let total = messages.reduce(0) { $0 + ($1.recipient_count.int ?? 0) }
      let open = messages.reduce(0) { $0 + Self.open($1) }
      if !isQuiet {
        bar.show(total == 0 ? 1 : Double(total - open) / Double(total), Self.line(messages, total: total, open: open))
      }
      if open == 0 {
        guard messages.allSatisfy({ $0.job_status.string == "completed" }) else { throw ExitCode.partly }
        return
      }
      try await Task.sleep(for: .seconds(1))
    }
  }

  /// SMS whose end is still to come.
  private static func open(_ message: JSONValue) -> Int {
    ["pending", "sending", "retrying"].reduce(0) { $0 + (message.counts[$1].int ?? 0) }
  }

  private static func line(_ messages: [JSONValue], total: Int, open: Int) -> String {
    let sent = messages.reduce(0) { $0 + ($1.success_count.int ?? 0) }
    var parts = ["\(sent) of \(total) sent"]
    if total - open - sent > 0 { parts.append("\(total - open - sent) not") }
    if open > 0 {
      let positions = messages.compactMap(\.queue_position.int)
      if let ahead = positions.min() { parts.append("\(ahead) ahead") }
      let ends = messages.compactMap(\.estimated_complete_at.string)
      if let end = ends.max() { parts.append("done about \(Clock.text(end))") }
      if let reason = messages.lazy.compactMap(\.waiting_for.string).first { parts.append("waits for \(reason)") }
    }
    return parts.joined(separator: ", ")
  }
}

extension Sequence {
  /// One after the other.
  fileprivate func asyncMap<Value>(_ transform: (Element) async throws -> Value) async rethrows -> [Value] {
    var values: [Value] = []
    for element in self { values.append(try await transform(element)) }
    return values
  }
}
