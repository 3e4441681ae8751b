import Contracts
import Foundation
import TestSupport

/// One run of a load on a stack: posts, lets things happen, asks about everything that waits once a second.
struct EtaRun {
  let load: EtaLoad
  let stack: Stack
  private var samples = EtaSamples()
  private var users: [StackUser] = []
  private var number = 0

  init(_ load: EtaLoad, _ stack: Stack) {
    self.load = load
    self.stack = stack
  }

  mutating func run(within limit: Duration) async throws -> EtaSamples {
    try await stack.use(
      providers: "global: { rate: 200 }\nproviders:\n"
        + load.providers.map {
          """
            - { name: \($0.name), adapter: json, url: "${SLUICE_MOCK_URL}/api/sms/\($0.name)", rate: \($0.rate) }

          """
        }.joined())
    try await stack.mock.reset()
    for provider in load.providers where load.failures > 0 {
      try await stack.mock.behave(
        provider.name, ["faults": [["percent": .number(load.failures * 100), "kind": "status", "status": 500]]])
    }
    for batch in load.batches {
      users.append(try await stack.makeUser("eta-\(UUID().uuidString.prefix(8))", weight: batch.weight))
    }
    let trickler = try await stack.makeUser("eta-\(UUID().uuidString.prefix(8))")
    let start = Timestamp.now()
    for (batch, user) in zip(load.batches, users) {
      try await post(batch, as: user)
      if let delay = batch.delay { samples.disturbances.append(start + delay) }
    }
    samples.disturbances.append(.now())
    var events = load.events.sorted { $0.after < $1.after }
    var trickle = 0
    let deadline = ContinuousClock.now + limit
    while ContinuousClock.now < deadline {
      while let next = events.first, Timestamp.now() >= start + next.after {
        events.removeFirst()
        if case .trickle(let seconds) = next.event { trickle = seconds } else { try await happen(next.event) }
      }
      if trickle > 0 {
        trickle -= 1
        try await post(EtaLoad.Batch(messages: 1, recipients: 1), as: trickler)
      }
      let began = ContinuousClock.now
      if try await look(), events.isEmpty { return samples }
      try await Task.sleep(until: began + .seconds(1), clock: .continuous)
    }
    throw StackError("\(load.name) took too long")
  }

  private mutating func post(_ batch: EtaLoad.Batch, as user: StackUser) async throws {
    for _ in 0..<batch.messages {
      let numbers = (0..<batch.recipients).map { JSONValue.string("+852\(51_000_000 + number + $0)") }
      number += batch.recipients
      var body: [String: JSONValue] = [
        "recipients": .array(numbers), "content": "Benchmark", "class": .string(batch.messageClass.rawValue),
      ]
      if let provider = batch.provider { body["provider"] = .string(provider) }
      if let delay = batch.delay { body["send_at"] = .string((Timestamp.now() + delay).description) }
      let answer = try await user.gateway.post("/api/sms/send-bulk", .object(body))
      guard answer.status == 202 else { throw StackError("not accepted: \(answer.text)") }
    }
  }

  private mutating func happen(_ event: EtaLoad.Event) async throws {
    let (name, body): (String, JSONValue) =
      switch event {
      case .pause(let name): (name, ["paused": true])
      case .resume(let name): (name, ["paused": false])
      case .rate(let name, let rate): (name, ["rate": .number(Double(rate))])
      case .trickle: ("", [:])
      }
    let answer = try await stack.gateway.patch("/api/admin/providers/\(name)", body)
    guard answer.status == 200 else { throw StackError("not changed: \(answer.text)") }
    samples.disturbances.append(.now())
  }

  /// Asks about all messages.
  /// - Returns: Whether all of them are final.
  private mutating func look() async throws -> Bool {
    var isDone = true
    for user in users {
      let list = try await user.gateway.get("/api/sms?limit=200")
      let now = Timestamp.now()
      for message in list.json.data.messages.array {
        guard let id = message.id.string else { continue }
        if let completed = message.completed_at.string.flatMap({ Timestamp($0) }) {
          samples.completions[id] = completed
          continue
        }
        isDone = false
        guard let pending = message.counts.pending.int, pending > 0 else { continue }
        samples.samples.append(
          EtaSamples.Sample(
            message: id, at: now, position: message.queue_position.int,
            complete: message.estimated_complete_at.string.flatMap { Timestamp($0) },
            low: message.estimate.low.string.flatMap { Timestamp($0) },
            high: message.estimate.high.string.flatMap { Timestamp($0) },
            hasBegun: pending < message.recipient_count.int ?? 0))
      }
    }
    return isDone
  }
}
