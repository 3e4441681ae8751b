import BlockingIO
import CPostgres

/// One libpq connection. It blocks the calling thread, always with a time limit; only its actor's thread may call it.
final class Link {
  private let handle: OpaquePointer
  private let wakeup: EventDescriptor
  private let notices = NoticeFilter()
  /// The connection is closed, or in a state that nobody knows, and must not be used again.
  private(set) var isLost = false

  /// How long the server may take to end a statement that it was asked to end.
  private static let drainLimit = Duration.seconds(3)

  /// Takes over a libpq connection that is established.
  init(established handle: OpaquePointer, wakeup: EventDescriptor) {
    self.handle = handle
    self.wakeup = wakeup
    PQsetnonblocking(handle, 1)
    notices.install(on: handle)
  }

  deinit { PQfinish(handle) }

  /// True within BEGIN and COMMIT, also when a statement in between has failed.
  var isInTransaction: Bool {
    switch PQtransactionStatus(handle) {
    case PQTRANS_INTRANS, PQTRANS_INERROR, PQTRANS_ACTIVE: true
    case _: false
    }
  }

  /// Looks at the socket whether the server has closed it or said that it will; costs no round trip.
  func hasHungUp() -> Bool {
    // A few rounds: a last message may precede the end of file. More is traffic that hides no end.
    for _ in 0..<4 where !isLost {
      var entries = [PollEntry(fileDescriptor: PQsocket(handle), interest: .readable)]
      guard poll(&entries, until: .now) else { break }
      if PQconsumeInput(handle) == 0 || PQstatus(handle) != CONNECTION_OK { isLost = true }
      // Parses what was read.
      _ = PQisBusy(handle)
      if notices.sawFatal { isLost = true }
    }
    return isLost
  }

  /// Sends several statements without parameters.
  func run(script: String, stop: StopRule) throws(ExchangeFailure) -> ResultTable {
    try exchange(stop) { PQsendQuery($0, script) }
  }

  /// Prepares a statement.
  func prepare(_ name: String, sql: String, types: [UInt32], stop: StopRule) throws(ExchangeFailure) {
    _ = try exchange(stop) { PQsendPrepare($0, name, sql, Int32(types.count), types) }
  }

  /// Runs a prepared statement.
  func run(prepared name: String, _ arguments: Arguments, stop: StopRule) throws(ExchangeFailure) -> ResultTable {
    try exchange(stop) { handle in
      arguments.withCArrays { values, lengths, formats in
        PQsendQueryPrepared(handle, name, Int32(arguments.types.count), values, lengths, formats, 0)
      }
    }
  }

  /// Sends one request and reads the whole answer.
  ///
  /// When the rule says stop, the server is asked to end the statement and the answer is still read, so that the session
  /// stays usable; when that takes too long the connection is lost.
  private func exchange(
    _ rule: StopRule, send: (OpaquePointer) -> Int32
  ) throws(ExchangeFailure) -> ResultTable {
    guard !hasHungUp() else { throw .unsent }
    if let cause = rule.cause { throw .stopped(cause) }
    guard send(handle) == 1 else { throw lost(nil, cause: nil) }
    var answer = Answer()
    var stopping = Stopping(rule: rule)
    while true {
      let unsent = PQflush(handle)
      // On a broken connection PQgetResult does not block and tells why.
      if PQstatus(handle) != CONNECTION_OK || (unsent <= 0 && PQisBusy(handle) == 0) {
        guard let result = PQgetResult(handle) else { break }
        defer { PQclear(result) }
        if !answer.take(result) { throw lost(answer.report, cause: stopping.cause) }
        continue
      }
      guard stopping.wait(for: unsent > 0 ? [.readable, .writable] : .readable, on: handle, wakeup: wakeup) else {
        isLost = true
        throw .lost(answer.report, reason: "the server did not answer", cause: stopping.cause)
      }
      // A failure shows in the connection's status and in the last result.
      _ = PQconsumeInput(handle)
    }
    // A request that is still under way could end a later statement.
    if !stopping.settles(wakeup: wakeup) { isLost = true }
    if PQstatus(handle) != CONNECTION_OK || answer.report?.isFatal == true {
      throw lost(answer.report, cause: stopping.cause)
    }
    if let report = answer.report { throw .refused(report, cause: stopping.cause) }
    guard let table = answer.table else { throw lost(nil, cause: stopping.cause) }
    return table
  }

  private func lost(_ report: ServerReport?, cause: StopRule.Cause?) -> ExchangeFailure {
    isLost = true
    return .lost(report, reason: "the connection was lost", cause: cause)
  }

  /// A statement that may have to be ended.
  private struct Stopping {
    var rule: StopRule
    private(set) var cause: StopRule.Cause?
    private var request: CancelRequest?

    init(rule: StopRule) { self.rule = rule }

    /// Waits for the socket; false when the server had its time, also the time to end the statement.
    mutating func wait(for interest: Interest, on handle: OpaquePointer, wakeup: EventDescriptor) -> Bool {
      var entries = [
        PollEntry(fileDescriptor: PQsocket(handle), interest: interest),
        PollEntry(fileDescriptor: wakeup.fileDescriptor, interest: .readable),
      ]
      poll(&entries, until: rule.deadline)
      if entries[1].isReady { wakeup.drain() }
      guard let reason = rule.cause else { return true }
      guard cause == nil else { return false }
      cause = reason
      guard rule.asksServer, let target = CancelTarget(of: handle) else { return entries[0].isReady }
      request = CancelRequest(to: target, wakeup: wakeup)
      rule = StopRule(deadline: .now + Link.drainLimit)
      return true
    }

    /// Waits until no request to end the statement is under way; false when it takes too long.
    func settles(wakeup: EventDescriptor) -> Bool {
      guard let request else { return true }
      while !request.isFinished {
        var entries = [PollEntry(fileDescriptor: wakeup.fileDescriptor, interest: .readable)]
        guard poll(&entries, until: rule.deadline) else { return false }
        wakeup.drain()
      }
      return true
    }
  }
}
