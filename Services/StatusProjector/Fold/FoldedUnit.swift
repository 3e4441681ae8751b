import Contracts

/// What is known of one unit: the highest version of its state, and of the details that only a change carries.
///
/// The two have versions of their own, since `unit.dispatched` has a higher version than the change before it but says
/// nothing about attempts used or errors. Merging is commutative, associative and idempotent.
struct FoldedUnit: Sendable, Equatable {
  struct State: Sendable, Equatable {
    var version: Int
    var state: UnitState
    var provider: String?
    var changedAt: Timestamp
    /// For `retrying`: when it waits again.
    var dueAt: Timestamp?
  }

  struct Detail: Sendable, Equatable {
    var version: Int
    var attemptsUsed: Int
    var errorCode: String?
    var errorMessage: String?
    /// When the provider accepted it.
    var sentAt: Timestamp?
  }

  var phone: String?
  var state: State
  var detail: Detail?
  /// The first attempt of unknown outcome that is to be followed by another: from the next one on it may arrive twice.
  var resentAfter: Int?

  /// A recipient as the caller gave it: pending, before its first dispatch.
  init(phone: String, acceptedAt: Timestamp) {
    self.phone = StoredText.of(phone)
    state = State(
      version: UnitVersion.of(dispatch: 0, state: .pending), state: .pending, provider: nil, changedAt: acceptedAt)
  }

  /// A unit that was given to a sender.
  init(dispatched entry: UnitsDispatched.Entry, at time: Timestamp) {
    state = State(
      version: UnitVersion.of(dispatch: entry.attempt.dispatch, state: .sending), state: .sending,
      provider: StoredText.of(entry.provider), changedAt: time)
  }

  init(change: UnitChange) {
    state = State(
      version: change.version, state: change.state, provider: StoredText.of(change.provider),
      changedAt: change.finishedAt, dueAt: change.dueAt)
    detail = Detail(
      version: change.version, attemptsUsed: change.attemptsUsed, errorCode: StoredText.of(change.errorCode),
      errorMessage: StoredText.of(change.errorMessage), sentAt: change.state == .sent ? change.finishedAt : nil)
    if change.mayBeDuplicate == true { resentAfter = change.attempt.dispatch }
  }

  /// Keeps the higher version of each part.
  mutating func merge(_ other: FoldedUnit) {
    if phone == nil { phone = other.phone }
    if other.state.version > state.version { state = other.state }
    if let theirs = other.detail, theirs.version > detail?.version ?? -1 { detail = theirs }
    if let theirs = other.resentAfter { resentAfter = min(resentAfter ?? theirs, theirs) }
  }
}
