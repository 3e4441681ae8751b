import Contracts
import TestSupport
import Testing

/// Numbers that libphonenumber takes for possible ones in Hong Kong, all different.
func numbers(_ count: Int, from first: Int = 0) -> [String] {
  (first..<first + count).map { "+852\(51_000_000 + $0)" }
}

/// Seconds from now until a time as the API writes it.
func secondsUntil(_ text: String) throws -> Double {
  (try #require(Timestamp(text)) - .now()) / .seconds(1)
}

extension Stack {
  /// Sends to one number.
  /// - Returns: The message's id.
  func send(to number: String, text: String = "Hello") async throws -> String {
    let answer = try await gateway.post("/api/sms", ["recipient": .string(number), "content": .string(text)])
    try #require(answer.status == 202, "\(answer.text)")
    return try #require(answer.json.message_id.string)
  }

  /// Sends to many numbers in one request.
  func sendBulk(to numbers: [String], text: String = "Hello") async throws -> String {
    let answer = try await gateway.post(
      "/api/sms/send-bulk", ["recipients": .array(numbers.map { .string($0) }), "content": .string(text)])
    try #require(answer.status == 202, "\(answer.text)")
    return try #require(answer.json.message_id.string)
  }

  /// A message as the API shows it.
  func message(_ id: String) async throws -> JSONValue {
    let answer = try await gateway.get("/api/sms/\(id)")
    try #require(answer.status == 200, "\(answer.text)")
    return answer.json.data
  }

  /// Waits until nothing more happens to a message.
  func finalMessage(_ id: String, within limit: Duration) async throws -> JSONValue {
    let running = ["pending", "sending"]
    try await eventually(within: limit, "message final") {
      let answer = try await gateway.get("/api/sms/\(id)")
      guard answer.status == 200, let status = answer.json.data.job_status.string else { return false }
      return !running.contains(status)
    }
    return try await message(id)
  }

  /// All recipients of a message: number and state.
  func recipients(_ id: String) async throws -> [(phone: String, status: String)] {
    let answer = try await gateway.get("/api/sms/\(id)/recipients?limit=1000")
    try #require(answer.status == 200, "\(answer.text)")
    return answer.json.data.recipients.array.map { ($0.phone.string ?? "", $0.status.string ?? "") }
  }
}
