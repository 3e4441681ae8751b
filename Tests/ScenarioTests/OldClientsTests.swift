import Foundation
import TestSupport
import Testing

/// What clients of the two older systems send and read, as their documentation shows it.
@Suite("Old clients", .serialized, .stack(.threeProviders))
struct OldClientsTests {
  @Test("Both systems' requests are taken as they were, and answered with all that their clients read")
  func sending() async throws {
    let stack = try SharedStack.current
    let requests: [(path: String, body: JSONValue)] = [
      ("/api/sms", ["recipient": "+85285245678", "content": "Hello"]),
      ("/api/sms/", ["recipient": "+85285245678", "content": "Hello"]),
      ("/api/sms/send", ["phone": "85245678", "text": "Hello"]),
      ("/api/sms/provider1", ["phone": "85245678", "text": "Hello"]),
      ("/api/sms/send-bulk", ["recipients": ["+85285245678", "91234567"], "content": "Hello"]),
    ]
    for request in requests {
      let answer = try await stack.gateway.post(request.path, request.body)
      #expect(answer.status == 202, "\(request.path): \(answer.text)")
      let problems = Self.missing(
        """
        {"success": true, "message": "SMS queued for sending", "message_id": "0192", "queued": true, "provider": null,
         "data": {"id": "0192", "status": "pending", "job_status": "pending", "recipient": null, "total": 1, "content": "…",
          "created_at": "…", "class": "normal", "segments": 1, "encoding": "gsm7", "queue_position": null,
          "estimated_start_at": null, "estimated_complete_at": null, "estimated_wait_seconds": null,
          "estimate": null, "rejected": [], "duplicates": []}}
        """, in: answer.json)
      #expect(problems.isEmpty, "\(request.path): \(problems)")
      #expect(answer.headers["location"] == "/api/sms/\(answer.json.message_id.string ?? "")")
    }
    let pinned = try await stack.gateway.post("/api/sms/provider2", ["phone": "85245678", "text": "Hello"])
    #expect(pinned.json.provider.string == "provider2")
  }

  @Test("Every answer shown to clients of the older systems has every field shown, of the same kind")
  func reading() async throws {
    let stack = try SharedStack.current
    let id = try await stack.send(to: numbers(1)[0])
    _ = try await stack.finalMessage(id, within: .seconds(20))
    let bulk = try await stack.gateway.post(
      "/api/sms/send-bulk", ["recipients": ["+85285245678", "91234567"], "content": "Hello"])
    let bulkID = try #require(bulk.json.message_id.string)
    _ = try await stack.finalMessage(bulkID, within: .seconds(20))
    try await eventually(within: .seconds(20), "the scheduler has told how the providers do") {
      try await stack.gateway.get("/api/sms/health/provider1").status == 200
    }
    for example in Self.examples {
      let path = example.path.replacing("{id}", with: bulkID)
      let answer = try await stack.gateway.get(path)
      #expect(answer.status == 200, "\(path): \(answer.text)")
      let problems = Self.missing(example.answer, in: answer.json)
      #expect(problems.isEmpty, "\(path): \(problems) in \(answer.text)")
    }
  }

  @Test(
    "An SMS that was sent at the first try has one attempt, wherever it is shown, and all that its clients wait for")
  func sent() async throws {
    let stack = try SharedStack.current
    let id = try await stack.send(to: numbers(1)[0])
    _ = try await stack.finalMessage(id, within: .seconds(20))
    let request = try await stack.gateway.get("/api/sms/requests/\(id)").json.data
    #expect(request.attempts.int == 1 && request.responses.array.count == 1, "\(request)")
    #expect(request.provider_used.string == request.responses[0].provider.string)
    #expect(request.responses[0].status_code.int == 200)
    let recipient = try await stack.gateway.get("/api/sms/\(id)/recipients").json.data.recipients[0]
    #expect(recipient.attempts.int == 1 && recipient.sent_at.string != nil, "\(recipient)")
    #expect(recipient.id.string == request.id.string)
    let listed = try await stack.gateway.get("/api/sms/requests?limit=200").json.data.requests.array
    #expect(listed.first { $0.message_id.string == id }?.attempts.int == 1)
    let message = try await stack.gateway.get("/api/sms/\(id)").json.data
    #expect(message.sent_at.string != nil && message.completed_at.string != nil && message.hkt_response.string != nil)
    // A time that was shown finds what it was shown of.
    let created = message.created_at.string ?? ""
    let found = try await stack.gateway.get("/api/sms?from=\(created)&to=\(created)").json.data
    #expect(found.messages.array.contains { $0.id.string == id }, "\(found)")
  }

  @Test("Errors have the envelope that both systems' clients read")
  func errors() async throws {
    let stack = try SharedStack.current
    let bad = try await stack.gateway.post("/api/sms/send", ["phone": "12", "text": "Hello"])
    #expect(bad.status == 400)
    let problems = Self.missing(
      #"{"error": {"code": "X", "message": "…", "details": [{"field": "phone", "code": "x", "message": "…"}], "request_id": "…"}}"#,
      in: bad.json)
    #expect(problems.isEmpty, "\(problems)")
    let none = try await stack.gateway.get("/api/sms/01920000-0000-7000-8000-000000000000")
    #expect(none.status == 404)
    #expect(none.json.error.code.string == "NOT_FOUND")
  }

  @Test("Pages by number lead through all messages once, as before")
  func pages() async throws {
    let stack = try SharedStack.current
    var sent: Set<String> = []
    for number in numbers(5) { sent.insert(try await stack.send(to: number)) }
    var seen: [String] = []
    var pages = 1
    var page = 1
    var total = 0
    try await eventually(within: .seconds(5), "all are listed") {
      let listed = try await stack.gateway.get("/api/sms?page=1&per_page=200").json.data.messages.array
      return sent.isSubset(of: listed.compactMap(\.id.string))
    }
    while page <= pages {
      let answer = try await stack.gateway.get("/api/sms?page=\(page)&per_page=2").json.data
      seen += answer.messages.array.compactMap(\.id.string)
      pages = answer.pages.int ?? 0
      total = answer.total.int ?? 0
      #expect(answer.current_page.int == page)
      page += 1
    }
    #expect(seen.count == total)
    #expect(Set(seen).count == total)
  }

  // MARK: The examples

  private static let examples: [(path: String, answer: String)] = [
    (
      "/api/sms/{id}",
      #"{"success":true,"data":{"id":"…","content":"…","status":"…","created_at":"…","sent_at":null,"hkt_response":null,"recipient_count":2,"success_count":0,"failed_count":0,"job_status":"pending","queue_position":null,"estimated_complete_at":null,"completed_at":null,"class":"…","reference":null,"segments":1,"waiting_for":null,"counts":{"pending":0,"sending":0,"retrying":0,"sent":0,"failed":0,"dead":0,"expired":0,"cancelled":0,"unconfirmed":0}}}"#
    ),
    ("/api/messages/{id}", #"{"success":true,"data":{"id":"…","status":"…","recipient_count":2}}"#),
    (
      "/api/sms?page=1&per_page=10",
      #"{"success":true,"data":{"messages":[{"id":"…","content":"…","status":"…","created_at":"…","recipient_count":2,"recipients":["+85285245678"]}],"total":1,"pages":1,"current_page":1}}"#
    ),
    (
      "/api/sms/{id}/recipients",
      #"{"success":true,"data":{"recipients":[{"id":"…","phone":"…","status":"sent","error_code":null,"error_message":null,"attempts":1,"provider":null,"sent_at":null}]}}"#
    ),
    (
      "/api/queue/status",
      #"{"success":true,"data":{"queue_depth":150,"msgs_per_sec":2.0,"pending_messages":3,"sending_messages":1,"oldest_pending_at":null,"estimated_drain_seconds":null,"statistics":{"total_pending":150,"oldest_pending_at":null,"estimated_throughput_sec":2.0},"your_messages":{"pending":2,"sending":1,"estimated_complete_at":null},"providers":[]}}"#
    ),
    (
      "/api/sms/rate-limits",
      #"{"success":true,"data":{"providers":{"provider1":{"limit":50,"current":12,"remaining":38,"limited":false}},"global":{"limit":200,"current":30,"remaining":170,"limited":false}}}"#
    ),
    (
      "/api/sms/health",
      #"{"success":true,"data":{"providers":[{"provider_id":"provider1","is_healthy":true,"success_count":120,"failure_count":3,"failure_rate":0.024,"unhealthy_until":null}]}}"#
    ),
    ("/api/sms/health/provider1", #"{"success":true,"data":{"provider_id":"provider1","is_healthy":true}}"#),
    (
      "/api/sms/distribution-stats",
      #"{"success":true,"data":{"total":300,"providers":{"provider1":{"count":100,"share":0.333,"weight":1}}}}"#
    ),
    (
      "/api/sms/requests",
      #"{"success":true,"data":{"requests":[{"id":"…","message_id":"…","phone":"…","text":"…","status":"…","provider_used":null,"attempts":1,"created_at":"…","updated_at":"…"}],"next_cursor":null}}"#
    ),
    (
      "/api/sms/requests/{id}",
      #"{"success":true,"data":{"id":"…","message_id":"…","phone":"…","text":"…","status":"…","provider_used":null,"attempts":1,"created_at":"…","updated_at":"…","responses":[{"attempt":1,"provider":"provider1","status_code":200,"response_data":"…","outcome":"accepted","created_at":"…"}]}}"#
    ),
    (
      "/api/sms/providers",
      #"{"success":true,"data":{"providers":[{"id":"provider1","adapter":"json","url":"…","rate":50,"weight":1,"state":null}]}}"#
    ),
    (
      "/api/sms/provider1/status",
      #"{"success":true,"data":{"id":"provider1","state":null,"in_flight":null,"effective_rate":null}}"#
    ),
    ("/health", #"{"status":"healthy"}"#),
    (
      "/api/health",
      #"{"status":"healthy","timestamp":"…","version":"…","checks":{"database":{"healthy":true,"message":"…"},"broker":{"healthy":true},"memory":{"healthy":true}}}"#
    ),
    ("/api/health/live", #"{"status":"alive"}"#),
    ("/api/health/ready", #"{"status":"ready"}"#),
  ]

  /// The places where an answer lacks what an example has, or has another kind of thing there. A `null` stands for
  /// anything that is there; of a list every element is looked at.
  private static func missing(_ example: String, in answer: JSONValue) -> [String] {
    guard let wanted = try? JSONDecoder().decode(JSONValue.self, from: Data(example.utf8)) else {
      return ["the example is no JSON"]
    }
    return missing(wanted, answer, at: "")
  }

  private static func missing(_ wanted: JSONValue, _ found: JSONValue, at place: String) -> [String] {
    switch (wanted, found) {
    case (.null, _), (.bool, .bool), (.number, .number), (.string, .string): return []
    case (.object(let members), .object(let fields)):
      return members.sorted { $0.key < $1.key }.flatMap { name, value in
        fields[name].map { missing(value, $0, at: "\(place).\(name)") } ?? ["\(place).\(name) is not there"]
      }
    case (.array(let elements), .array(let items)):
      guard let element = elements.first else { return [] }
      if items.isEmpty { return ["\(place) is empty"] }
      return items.enumerated().flatMap { missing(element, $0.element, at: "\(place)[\($0.offset)]") }
    default: return ["\(place) is \(found)"]
    }
  }
}
