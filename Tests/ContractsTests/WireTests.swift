import Contracts
import Testing

@Suite("Wire format")
struct WireTests {
  private static let message = "01939b7e-0000-7000-8000-000000000001"

  /// What an earlier release wrote; it must stay readable.
  private let golden = """
    {"accepted_at":"2026-11-21T08:15:30.000000Z","at":"2026-11-21T08:15:30.123456Z","class":"bulk","content":"Hi 你好",\
    "encoding":"ucs2","id":"01939b7e-0000-7000-8000-000000000009","message_id":"\(message)",\
    "recipients":["+85291234567"],"request_id":"req-1","segments":1,"type":"message.accepted",\
    "user_id":"01939b7e-0000-7000-8000-000000000002","v":1,"weight":1}
    """

  @Test("message.accepted is written as the golden file has it, and read back")
  func goldenFile() throws {
    let envelope = try Wire.decode(MessageAccepted.self, from: Array(golden.utf8))
    #expect(envelope.header.requestID == "req-1")
    #expect(envelope.body.recipients == ["+85291234567"])
    #expect(envelope.body.messageClass == .bulk)
    #expect(String(decoding: try Wire.encode(envelope), as: UTF8.self) == golden)
  }

  @Test("the providers that a message may go by are written only where there are any")
  func allowedProviders() throws {
    let newer = golden.replacing(
      #""recipients":["+85291234567"]"#, with: #""providers":["a","b"],"recipients":["+85291234567"]"#)
    let envelope = try Wire.decode(MessageAccepted.self, from: Array(newer.utf8))
    #expect(envelope.body.providers == ["a", "b"])
    #expect(String(decoding: try Wire.encode(envelope), as: UTF8.self) == newer)
  }

  @Test("user.changed of an earlier release is read, and of this one is written as the golden file has it")
  func userChanged() throws {
    let head = #""at":"2026-11-21T08:15:30.123456Z","id":"01939b7e-0000-7000-8000-000000000009""#
    let tail =
      #""type":"user.changed","user_id":"01939b7e-0000-7000-8000-000000000002","v":1,"weight":2}"#
    let older = "{\(head),\"is_active\":true,\(tail)"
    let read = try Wire.decode(UserChanged.self, from: Array(older.utf8))
    #expect(read.body.isAdmin == nil && read.body.limits == nil)
    #expect(String(decoding: try Wire.encode(read), as: UTF8.self) == older)
    let golden =
      "{\(head),\"is_active\":true,\"is_admin\":false,"
      + #""limits":{"api_rate":7,"daily_limit":5,"max_class":"bulk","providers":["a"]},"# + tail
    let newer = try Wire.decode(UserChanged.self, from: Array(golden.utf8))
    #expect(newer.body.isAdmin == false)
    #expect(newer.body.limits == .init(maxClass: .bulk, dailyLimit: 5, apiRate: 7, providers: ["a"]))
    #expect(String(decoding: try Wire.encode(newer), as: UTF8.self) == golden)
  }

  @Test("unit.dead of an earlier release is read, and replays carry it as it was, with the providers it may go by")
  func letters() throws {
    let unit = #"{"index":3,"message_id":"\#(Self.message)"}"#
    let user = "01939b7e-0000-7000-8000-000000000002"
    func letter(_ providers: String) -> String {
      #"{"accepted_at":"2026-11-21T08:15:30.000000Z","attempts":[],"attempts_used":5,"class":"normal","#
        + #""content":"Hi","died_at":"2026-11-21T08:16:30.000000Z","dispatch":4,"encoding":"gsm7","#
        + #""error_type":"timeout","max_attempts":5,"phone":"+85291234567",\#(providers)"segments":1,"state":"dead","#
        + #""unit":\#(unit),"user_id":"\#(user)"}"#
    }
    let head = #""at":"2026-11-21T08:15:30.123456Z""#
    let id = #""id":"01939b7e-0000-7000-8000-000000000009""#
    let older = #"{\#(head),\#(id),"type":"unit.dead","units":[\#(letter(""))],"v":1}"#
    let dead = try Wire.decode(UnitsDead.self, from: Array(older.utf8))
    #expect(dead.body.units.map(\.providers) == [nil])
    #expect(String(decoding: try Wire.encode(dead), as: UTF8.self) == older)

    let replayID = "01939b7e-0000-7000-8000-000000000005"
    let golden =
      #"{\#(head),"class":"urgent","expires_at":"2026-11-22T08:15:30.000000Z",\#(id),"provider":"a","#
      + #""replay_id":"\#(replayID)","type":"unit.replay","units":[\#(letter(#""providers":["a","b"],"#))],"v":1}"#
    let replay = try Wire.decode(UnitReplay.self, from: Array(golden.utf8))
    #expect(replay.body.messageClass == .urgent && replay.body.units.map(\.providers) == [["a", "b"]])
    #expect(String(decoding: try Wire.encode(replay), as: UTF8.self) == golden)
    let plain = #"{\#(head),\#(id),"replay_id":"\#(replayID)","type":"unit.replay","units":[],"v":1}"#
    let asBulk = try Wire.decode(UnitReplay.self, from: Array(plain.utf8))
    #expect(asBulk.body.messageClass == nil && asBulk.body.provider == nil && asBulk.body.expiresAt == nil)
    #expect(String(decoding: try Wire.encode(asBulk), as: UTF8.self) == plain)

    let cancel = #"{\#(head),\#(id),"replay_id":"\#(replayID)","type":"replay.cancel","v":1}"#
    let cancelled = try Wire.decode(ReplayCancel.self, from: Array(cancel.utf8))
    #expect(String(decoding: try Wire.encode(cancelled), as: UTF8.self) == cancel)
    let settle =
      #"{"as":"abandoned",\#(head),\#(id),"type":"unit.settle","units":[{"dispatch":4,"unit":\#(unit)}],"v":1}"#
    let settled = try Wire.decode(UnitSettle.self, from: Array(settle.utf8))
    #expect(settled.body.verdict == .abandoned)
    #expect(String(decoding: try Wire.encode(settled), as: UTF8.self) == settle)
    let unknown = settle.replacing("abandoned", with: "lost")
    #expect(throws: WireError.self) { try Wire.decode(UnitSettle.self, from: Array(unknown.utf8)) }
  }

  @Test("an answer names the units that it refuses, where there are any")
  func refusals() throws {
    let head = #"{"at":"2026-11-21T08:15:30.123456Z","command":"unit.settle","#
    let ids = #""command_id":"01939b7e-0000-7000-8000-000000000005","id":"01939b7e-0000-7000-8000-000000000009","#
    let older = head + ids + #""reason":"wrong_state","result":"refused","type":"command.answered","v":1}"#
    let read = try Wire.decode(CommandAnswered.self, from: Array(older.utf8))
    #expect(read.body.refusals == nil)
    #expect(String(decoding: try Wire.encode(read), as: UTF8.self) == older)
    let newer = older.replacing(
      #""result""#,
      with: #""refusals":[{"reason":"wrong_state","unit":{"index":3,"message_id":"\#(Self.message)"}}],"result""#)
    let answer = try Wire.decode(CommandAnswered.self, from: Array(newer.utf8))
    #expect(answer.body.refusals?.map(\.unit.index) == [3])
    #expect(String(decoding: try Wire.encode(answer), as: UTF8.self) == newer)
  }

  @Test("an answer about letters says what it came to, and one of an earlier release says nothing of them")
  func letterCounts() throws {
    let head = #"{"at":"2026-11-21T08:15:30.123456Z","command":"dead_letter.replay","#
    let ids = #""command_id":"01939b7e-0000-7000-8000-000000000005","id":"01939b7e-0000-7000-8000-000000000009","#
    let older = head + ids + #""result":"done","type":"command.answered","v":1}"#
    #expect(try Wire.decode(CommandAnswered.self, from: Array(older.utf8)).body.letters == nil)
    let replay = "01939b7e-0000-7000-8000-000000000007"
    let newer = older.replacing(
      #""result""#,
      with: #""letters":{"applied":2,"refused":1,"replay_id":"\#(replay)","running":true,"segments":3},"result""#)
    let answer = try Wire.decode(CommandAnswered.self, from: Array(newer.utf8))
    #expect(
      answer.body.letters
        == .init(applied: 2, refused: 1, segments: 3, replayID: ReplayID(replay), isRunning: true))
    #expect(String(decoding: try Wire.encode(answer), as: UTF8.self) == newer)
  }

  @Test("commands about dead letters are written as the golden lines have them, and read back")
  func letterCommands() throws {
    let head = #""at":"2026-11-21T08:15:30.123456Z""#
    let id = #""id":"01939b7e-0000-7000-8000-000000000009""#
    let other = "01939b7e-0000-7000-8000-000000000005"
    let actor = #""actor":{"name":"ann","reason":"tried","user_id":"01939b7e-0000-7000-8000-000000000002"}"#
    let selection =
      #""selection":{"error_type":"timeout","from":"2026-11-20T08:15:30.000000Z","limit":7,"message_id":"\#(Self.message)","#
      + #""provider":"a","to":"2026-11-21T08:15:30.000000Z","user_id":"01939b7e-0000-7000-8000-000000000002"}"#
    func golden<Body: Payload>(_ type: Body.Type, _ text: String) throws -> Body {
      let envelope = try Wire.decode(type, from: Array(text.utf8))
      #expect(String(decoding: try Wire.encode(envelope), as: UTF8.self) == text)
      return envelope.body
    }
    let replay = try golden(
      DeadLetterReplay.self,
      "{\(actor),\(head),"
        + #""class":"urgent","expires_at":"2026-11-22T08:15:30.000000Z",\#(id),"provider":"b",\#(selection),"#
        + #""type":"dead_letter.replay","v":1}"#)
    #expect(replay.messageClass == .urgent && replay.provider == "b" && replay.selection.limit == 7)
    let console = #""actor":{"name":"root"}"#
    let few = #""selection":{"ids":["\#(other)"]}"#
    let plain = try golden(
      DeadLetterReplay.self, "{\(console),\(head),\(id),\(few)," + #""type":"dead_letter.replay","v":1}"#)
    #expect(plain.actor == LetterActor(userID: nil, name: "root") && plain.selection.ids?.count == 1)
    #expect(plain.messageClass == nil && plain.provider == nil && plain.expiresAt == nil)
    let cancel = try golden(
      DeadLetterCancel.self,
      "{\(actor),\(head),\(id)," + #""replay_id":"\#(other)","type":"dead_letter.cancel","v":1}"#)
    #expect(cancel.actor.reason == "tried")
    let abandon = try golden(
      DeadLetterAbandon.self,
      "{\(actor),\(head),\(id)," + #""selection":{},"type":"dead_letter.abandon","v":1}"#)
    #expect(abandon.selection == LetterSelection())
    let settle = try golden(
      DeadLetterSettle.self,
      "{\(actor)," + #""as":"sent",\#(head),\#(id),\#(few),"type":"dead_letter.settle","v":1}"#)
    #expect(settle.verdict == .sent)
    let mended = try golden(
      PoisonReturn.self,
      "{\(actor),\(head)," + #""body":"{}",\#(id),"letter_id":"\#(other)","type":"poison.return","v":1}"#)
    #expect(mended.body == "{}")
    let asItWas = try golden(
      PoisonReturn.self, "{\(actor),\(head),\(id)," + #""letter_id":"\#(other)","type":"poison.return","v":1}"#)
    #expect(asItWas.body == nil)
    _ = try golden(
      PoisonDrop.self, "{\(actor),\(head),\(id)," + #""letter_id":"\#(other)","type":"poison.drop","v":1}"#)
  }

  @Test("unknown fields are ignored")
  func unknownFields() throws {
    let newer = golden.replacing("\"v\":1", with: "\"v\":1,\"colour\":{\"red\":[1]}")
    #expect(try Wire.decode(MessageAccepted.self, from: Array(newer.utf8)).body.content == "Hi 你好")
  }

  @Test("what is wrong is named by its field, without its value")
  func errors() throws {
    func error(_ text: String) -> String? {
      do {
        _ = try Wire.decode(MessageAccepted.self, from: Array(text.utf8))
        return nil
      } catch {
        return "\(error)"
      }
    }
    #expect(error("{") == "malformed: not JSON")
    #expect(error(golden.replacing("\"content\":\"Hi 你好\",", with: "")) == "malformed: .content is missing")
    #expect(error(golden.replacing("[\"+85291234567\"]", with: "[85291234567]"))?.contains(".recipients[0]") == true)
    #expect(error(golden.replacing("\"v\":1", with: "\"v\":2")) == "unsupported_version: version 2 is not known")
    #expect(
      error(golden.replacing("message.accepted", with: "queue.changed"))
        == "unexpected_type: expected message.accepted, got queue.changed")
    #expect(error(golden.replacing("message.accepted", with: "nonsense"))?.contains(".type") == true)
    #expect(error(golden.replacing(Self.message, with: "secret-value"))?.contains("secret-value") == false)
  }

  @Test("versions order a unit's states: a later dispatch wins, then the state's rank")
  func versions() {
    #expect(UnitVersion.of(dispatch: 0, state: .sent) < UnitVersion.of(dispatch: 1, state: .pending))
    #expect(UnitVersion.of(dispatch: 1, state: .sending) < UnitVersion.of(dispatch: 1, state: .unconfirmed))
    #expect(UnitVersion.of(dispatch: 1, state: .unconfirmed) < UnitVersion.of(dispatch: 1, state: .sent))
  }

  @Test("a message's status follows from its units' states")
  func jobStatus() {
    func status(_ states: [UnitState]) -> JobStatus {
      var counts = UnitCounts()
      for state in states { counts[state] += 1 }
      return counts.jobStatus
    }
    #expect(status([.pending, .pending]) == .pending)
    #expect(status([.pending, .sent]) == .sending)
    #expect(status([.retrying]) == .sending)
    #expect(status([.sent, .sent]) == .completed)
    #expect(status([.failed, .dead]) == .failed)
    #expect(status([.sent, .failed]) == .partial)
    #expect(status([.unconfirmed]) == .unconfirmed)
    #expect(status([.expired, .cancelled]) == .partial)
  }

  @Test("heads of an earlier version are read: one tag for all providers, and none told apart")
  func oldHeads() throws {
    let text = """
      {"v":1,"type":"queue.changed","id":"01900000-0000-7000-8000-000000000001","at":"2026-01-02T03:04:05.000000Z",\
      "as_of":"2026-01-02T03:04:05.000000Z","complete":true,"epoch":3,"virtual_time":5,"sending":true,"providers":[],\
      "classes":[{"class":"normal","tag":7,"backlog":2,"virtual_time":9}],\
      "flows":[{"flow_id":1,"class":"normal","user_id":"01900000-0000-7000-8000-000000000002","provider":"hkt","tag":4,\
      "step":16777216,"backlog":2,"head_number":0}]}
      """
    let change = try Wire.decode(QueueChanged.self, from: Array(text.utf8)).body
    #expect(change.flows.first?.tag == 4 && change.flows.first?.tags == nil && change.flows.first?.providers == nil)
    #expect(change.classes.first?.turns == nil && change.classes.first?.virtualTime == 9)
    #expect(!change.isPart)
  }
}
