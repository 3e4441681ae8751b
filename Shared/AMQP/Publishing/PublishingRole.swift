import Logging

/// Publishes what is in the queue on one channel and settles what the broker confirms.
final class PublishingRole: ConnectionRole {
  private enum Phase {
    /// Asked for the channel or for confirms; the answer is due.
    case opening(due: ContinuousClock.Instant)
    case open
    /// The broker closes the whole connection.
    case ending
  }

  private static let channel: UInt16 = 1
  /// Unconfirmed bytes: what a broker that has stopped reading leaves in the socket must not block the thread.
  private static let byteWindow = 2 << 20
  /// Stands for the probe, which no caller waits for.
  private static let probeID: UInt64 = 0

  private let queue: PublishQueue
  private let window: Int
  private let answerTimeout: Duration
  private let logger: Logger
  private var phase = Phase.ending
  private var isBlocked = false
  private var ledger = ConfirmLedger()
  private var assembler = FrameAssembler()
  private var settlements: [ConfirmLedger.Settlement] = []
  private var watch: ConfirmWatch
  private var isDoubted = false
  /// Nil when the broker does not take it.
  private var probe: AMQPProbe?
  private var nextProbe = ContinuousClock.now
  private var onFirstConfirmation: (@Sendable () -> Void)?

  init(
    queue: PublishQueue, window: Int, answerTimeout: Duration, limits: ConfirmWatch.Limits, probe: AMQPProbe?,
    onFirstConfirmation: @escaping @Sendable () -> Void, logger: Logger
  ) {
    self.onFirstConfirmation = onFirstConfirmation
    watch = ConfirmWatch(limits)
    self.probe = probe
    self.queue = queue
    self.window = window
    self.answerTimeout = answerTimeout
    self.logger = logger
  }

  var deadline: ContinuousClock.Instant? {
    switch phase {
    case .opening(let due): due
    case .open:
      isBlocked
        ? nil
        : [
          ledger.count >= window ? nil : queue.nextRetry, watch.deadline(oldest: ledger.oldest),
          isDoubted ? nil : watch.doubtAt, probe != nil && ledger.count == 0 ? nextProbe : nil,
        ].compactMap { $0 }.min()
    case .ending: nil
    }
  }

  func start(_ link: Link) throws(AMQPError) { try open(link) }

  private func open(_ link: Link) throws(AMQPError) {
    phase = .opening(due: .now + answerTimeout)
    try link.openChannel(Self.channel)
  }

  func handle(_ frame: InboundFrame, _ link: Link) throws(AMQPError) {
    switch frame {
    case .method(_, let method): try handle(method, link)
    case .header(_, let header): markReturned(try assembler.header(header))
    case .body(_, let bytes): markReturned(try assembler.body(bytes))
    }
  }

  private func handle(_ method: InboundMethod, _ link: Link) throws(AMQPError) {
    switch method {
    case .ack(let tag, let multiple):
      try ledger.settle(tag: tag, multiple: multiple, isAck: true, into: &settlements)
    case .nack(let tag, let multiple):
      try ledger.settle(tag: tag, multiple: multiple, isAck: false, into: &settlements)
    case .returned(let returned): try assembler.begin(.returned(returned))
    case .channelOpened: try link.selectConfirms(Self.channel)
    case .confirmSelected:
      phase = .open
      queue.setReady(true)
    case .connectionBlocked(let reason):
      isBlocked = true
      watch.pause()
      queue.setBlocked(true)
      logger.warning("the broker has blocked publishing", metadata: ["amqp.reason": "\(reason)"])
    case .connectionUnblocked:
      isBlocked = false
      watch.goOn(outstanding: ledger.count, now: .now)
      queue.setBlocked(false)
      logger.notice("the broker has unblocked publishing")
    case .channelClose(let reason):
      queue.setReady(false)
      try link.confirmChannelClose(Self.channel)
      interrupted(by: reason)
      try open(link)
    case .connectionClose(let reason):
      phase = .ending
      interrupted(by: reason)
    case .channelClosed, .queueDeclared, .qosSet, .consumeStarted, .consumeStopped, .consumerCancelled, .deliver,
      .other:
      throw AMQPError(.protocolViolation, "an unexpected method on a publishing channel")
    }
  }

  private func markReturned(_ content: FrameAssembler.Content?) {
    guard let content, case .returned(let method) = content.method else { return }
    ledger.markReturned(
      .init(
        messageID: content.properties.messageID, exchange: method.exchange, routingKey: method.routingKey),
      reason: "\(method.code) \(method.text)")
  }

  /// All that is outstanding is of unknown fate, and one of them may be to blame: alone, it is.
  private func interrupted(by reason: BrokerReason) {
    settle()
    assembler.reset()
    let outstanding = ledger.reset()
    watch.pause()
    if outstanding == [Self.probeID], reason.isAboutPublish {
      probe = nil
      logger.warning(
        "the broker does not take the probe; are its definitions older than this program?",
        metadata: ["amqp.reply_code": "\(reason.code)", "error.message": "\(reason.text)"])
    }
    guard reason.isAboutPublish else { return queue.requeue(outstanding, areSuspects: false) }
    guard outstanding.count == 1, let culprit = outstanding.first else {
      return queue.requeue(outstanding, areSuspects: true)
    }
    let code: PublishError.Code = reason.code == 404 ? .exchangeMissing : .rejected
    queue.fail(culprit, PublishError(code: code, replyCode: reason.code, message: "\(reason.code) \(reason.text)"))
  }

  func flush(_ link: Link, now: ContinuousClock.Instant) throws(AMQPError) {
    settle()
    switch phase {
    case .ending: return
    case .opening(let due):
      if now >= due { throw AMQPError(.timeout, "the broker did not open a channel in time") }
    case .open:
      guard !isBlocked else { return }
      try judge(now)
      try write(link, now)
      try sendProbe(link, now)
    }
  }

  /// Leaves a host that confirms nothing: what is unconfirmed is repeated on the next one.
  private func judge(_ now: ContinuousClock.Instant) throws(AMQPError) {
    if let doubtAt = watch.doubtAt, now >= doubtAt, !isDoubted {
      isDoubted = true
      queue.setConfirming(false)
    }
    guard let due = watch.deadline(oldest: ledger.oldest), now >= due else { return }
    queue.setConfirming(false)
    throw AMQPError(watch.isSilent(now: now) ? .stalled : .silent, "\(ledger.count) messages unconfirmed for too long")
  }

  private func sendProbe(_ link: Link, _ now: ContinuousClock.Instant) throws(AMQPError) {
    guard let probe, ledger.count == 0, now >= nextProbe else { return }
    ledger.append(
      id: Self.probeID, bytes: 0,
      address: .init(messageID: nil, exchange: probe.exchange, routingKey: probe.routingKey), at: now)
    watch.published(now: now)
    try link.publish(
      Self.channel, AMQPMessage(body: [], type: "probe"), exchange: probe.exchange, routingKey: probe.routingKey)
  }

  private func settle() {
    guard !settlements.isEmpty else { return }
    let now = ContinuousClock.now
    let isConfirmed = settlements.contains { $0.outcome != .refused }
    watch.answered(isConfirmed: isConfirmed, outstanding: ledger.count, now: now)
    if isConfirmed {
      isDoubted = false
      queue.setConfirming(true)
      onFirstConfirmation?()
      onFirstConfirmation = nil
    }
    // After a no as well: it is no more often asked than that.
    if let probe { nextProbe = now + probe.interval }
    queue.settle(settlements)
    settlements.removeAll(keepingCapacity: true)
  }

  private func write(_ link: Link, _ now: ContinuousClock.Instant) throws(AMQPError) {
    guard ledger.count < window else { return }
    let publications = queue.take(
      outstanding: ledger.count, window: window, room: Self.byteWindow - ledger.bytes, now: now)
    guard !publications.isEmpty else { return }
    link.cork()
    for publication in publications {
      // Noted first: should the write fail, its fate is unknown too.
      ledger.append(
        id: publication.id, bytes: publication.message.body.count,
        address: .init(
          messageID: publication.message.messageID, exchange: publication.exchange,
          routingKey: publication.routingKey), at: now)
    }
    watch.published(now: now)
    for publication in publications {
      try link.publish(
        Self.channel, publication.message, exchange: publication.exchange, routingKey: publication.routingKey)
    }
    link.uncork()
  }

  func end(_ error: AMQPError?) {
    settle()
    queue.detach()
    queue.requeue(ledger.reset(), areSuspects: false)
  }
}
