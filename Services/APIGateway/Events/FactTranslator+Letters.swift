import Contracts

extension FactTranslator {
  static func opened(_ body: LettersOpened) -> [EventDraft] {
    letters("opened", body.letters) { json, letter in
      json.member("id", letter.letterID.description)
      write(letter.unit, &json)
      json.member("error_type", letter.errorType)
      json.member("letter_status", LetterStatus.pending.rawValue)
    }
  }

  /// A letter that is replayed goes on until it is known what became of its SMS; what its fact calls closed is not.
  static func closed(_ body: LettersClosed) -> [EventDraft] {
    let replayed = body.letters.filter { $0.reason == "replayed" }
    let closed = body.letters.filter { $0.reason != "replayed" }
    return letters("replaying", replayed) { write($1, .replaying, &$0) }
      + letters("closed", closed) { json, letter in
        let status: LetterStatus =
          switch letter.reason {
          case "abandoned": .abandoned
          case "retry_failed": .retried
          default: .settled
          }
        write(letter, status, &json)
      }
  }

  static func ended(_ body: LettersFinished) -> [EventDraft] {
    letters("finished", body.letters) { json, letter in
      write(letter.unit, &json)
      json.member("status", letter.state.rawValue)
      json.member("letter_status", LetterStatus(finishedAs: letter.state).rawValue)
    }
  }

  private static func letters<Letter>(
    _ what: String, _ letters: [Letter], _ content: (inout JSONWriter, Letter) -> Void
  ) -> [EventDraft] {
    guard !letters.isEmpty else { return [] }
    return [
      EventDraft("letter", .admins) { json in
        json.member("what", what)
        json.array("letters", letters) { json, letter in json.element { json in content(&json, letter) } }
      }
    ]
  }

  private static func write(_ letter: LettersClosed.Entry, _ status: LetterStatus, _ json: inout JSONWriter) {
    write(letter.unit, &json)
    json.member("status", letter.state.rawValue)
    json.member("reason", letter.reason)
    json.member("letter_status", status.rawValue)
  }

  private static func write(_ unit: UnitID, _ json: inout JSONWriter) {
    json.member("message_id", unit.messageID.description)
    json.member("index", unit.index)
  }
}

extension LetterStatus {
  /// What a replayed letter is when its SMS has ended so.
  fileprivate init(finishedAs state: UnitState) {
    self =
      switch state {
      case .sent: .retried
      case .failed: .settled
      case .expired, .cancelled: .abandoned
      case .dead, .unconfirmed: .pending
      case .pending, .sending, .retrying: .replaying
      }
  }
}
