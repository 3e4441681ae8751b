import Contracts
import Hummingbird

/// What became of a request about one letter.
struct LetterActionAnswer {
  private var letter: LetterRow
  private var status: LetterStatus
  private var isApplied: Bool
  private var replayID: ReplayID?
  private var completeAt: Timestamp?
  private var message: String?

  /// It was done.
  init(_ letter: LetterRow, status: LetterStatus, replayID: ReplayID?, completeAt: Timestamp?) {
    self.letter = letter
    self.status = status
    self.replayID = replayID
    self.completeAt = completeAt
    isApplied = true
  }

  /// There was nothing to do.
  init(_ letter: LetterRow, replayID: ReplayID? = nil, message: String) {
    self.letter = letter
    self.message = message
    self.replayID = replayID ?? letter.replayID
    status = letter.status
    isApplied = false
  }

  var response: Response {
    .success(message: message) { json in
      json.member("id", letter.id.description)
      json.member("status", status.rawValue)
      json.member("count", isApplied ? 1 : 0)
      json.member("already", !isApplied)
      json.member("replay_id", replayID?.description)
      json.member("estimated_complete_at", completeAt)
    }
  }
}
