import Logging

/// Consumes from the mailbox's subscriptions on one channel, and acknowledges.
final class ConsumingRole: ConnectionRole {
  private enum ChannelPhase: Equatable {
    case closed
    case opening
    case open
  }

  /// For consumers, deliveries and acknowledgements.
  private static let main: UInt16 = 1
  /// For looking whether a queue exists.
  private static let lookout: UInt16 = 2
  /// How long to wait for a queue that is missing: from a tenth of this on, at random.
  private static let missingDelay = Duration.seconds(2)
  /// How long to wait after the broker refused a consumer.
  private static let refusedDelay = Duration.seconds(10)

  private let mailbox: ConsumerMailbox
  private let answerTimeout: Duration
  /// What this host cannot do, another may.
  private let hasOtherHosts: Bool
  /// Called once when, after the end, nothing is left to be acknowledged.
  private var whenDone: (() -> Void)?
  private let logger: Logger
  private var mainPhase = ChannelPhase.closed
  private var lookoutPhase = ChannelPhase.closed
  /// A question is open, and its answer due.
  private var answerDue: ContinuousClock.Instant?
  private var plan: ConsumerPlan
  private var epoch: UInt64 = 0
  private var acknowledgements = AckLedger()
  private var assembler = FrameAssembler()
  private var deliveries: [(index: Int, delivery: AMQPDelivery)] = []
  private var isEnding = false

  init(
    mailbox: ConsumerMailbox, answerTimeout: Duration, hasOtherHosts: Bool, logger: Logger,
    whenDone: @escaping () -> Void
  ) {
    self.hasOtherHosts = hasOtherHosts
    self.mailbox = mailbox
    self.whenDone = whenDone
    self.answerTimeout = answerTimeout
    self.logger = logger
    plan = ConsumerPlan(count: mailbox.subscriptions.count)
  }

  var deadline: ContinuousClock.Instant? {
    [answerDue, plan.deadline, mailbox.silenceDeadline].compactMap { $0 }.min()
  }

  func start(_ link: Link) throws(AMQPError) { try openMain(link) }

  private func openMain(_ link: Link) throws(AMQPError) {
    epoch = mailbox.beginEpoch()
    acknowledgements = AckLedger()
    assembler.reset()
    mainPhase = .opening
    ask()
    try link.openChannel(Self.main)
  }

  private func ask() { answerDue = .now + answerTimeout }

  func handle(_ frame: InboundFrame, _ link: Link) throws(AMQPError) {
    switch frame {
    case .method(let channel, let method): try handle(method, on: channel, link)
    case .header(_, let header): try deliver(try assembler.header(header))
    case .body(_, let bytes): try deliver(try assembler.body(bytes))
    }
  }

  private func handle(_ method: InboundMethod, on channel: UInt16, _ link: Link) throws(AMQPError) {
    switch method {
    case .deliver(let deliver): try assembler.begin(.deliver(deliver))
    case .channelOpened:
      answerDue = nil
      if channel == Self.main {
        mainPhase = .open
      } else {
        lookoutPhase = .open
        try look(link)
      }
    case .queueDeclared:
      answerDue = nil
      if let index = plan.found() { try consume(index, link) }
    case .consumeStarted(let tag):
      answerDue = nil
      if let index = index(of: tag) {
        plan.started(index)
        mailbox.setListening(index, true)
        logger.info("consuming", metadata: ["amqp.queue": "\(mailbox.subscriptions[index].queue)"])
      }
    case .consumeStopped(let tag):
      answerDue = nil
      if let index = index(of: tag) {
        plan.stopped(index)
        mailbox.setListening(index, false)
      }
    case .consumerCancelled(let tag):
      if let index = index(of: tag) {
        plan.cancelled(index, retryAt: .now + missingDelay())
        mailbox.setListening(index, false)
        let queue = mailbox.subscriptions[index].queue
        logger.warning("the broker cancelled a consumer", metadata: ["amqp.queue": "\(queue)"])
      }
    case .channelClose(let reason):
      answerDue = nil
      try link.confirmChannelClose(channel)
      if channel == Self.lookout { lookoutClosed(reason) } else { try mainClosed(reason, link) }
    case .connectionClose: isEnding = true
    case .qosSet, .connectionBlocked, .connectionUnblocked: break
    case .returned, .ack, .nack, .channelClosed, .confirmSelected, .other:
      throw AMQPError(.protocolViolation, "an unexpected method on a consuming channel")
    }
  }

  // MARK: Starting and stopping

  private func lookoutClosed(_ reason: BrokerReason) {
    lookoutPhase = .closed
    guard let index = plan.failed(retryAt: .now + missingDelay()) else { return }
    logger.warning(
      "a queue to consume from is missing",
      metadata: [
        "amqp.queue": "\(mailbox.subscriptions[index].queue)", "amqp.reply_code": "\(reason.code)",
        "error.message": "\(reason.text)",
      ])
  }

  private func mainClosed(_ reason: BrokerReason, _ link: Link) throws(AMQPError) {
    if reason.code == 406, hasOtherHosts, let index = plan.inProgress,
      mailbox.subscriptions[index].streamOffset != nil
    {
      // "does not have a running replica on the local node" (rabbit_stream_queue of 3.10 and 4.x); others may have one.
      throw AMQPError(.silent, replyCode: reason.code, reason.text)
    }
    logger.error(
      "the broker closed the consuming channel",
      metadata: ["amqp.reply_code": "\(reason.code)", "error.message": "\(reason.text)"])
    for index in mailbox.subscriptions.indices { mailbox.setListening(index, false) }
    let retryAt = ContinuousClock.now + missingDelay()
    plan.channelClosed(retryAt: retryAt, refusedUntil: reason.code == 404 ? retryAt : .now + Self.refusedDelay)
    deliveries = []
    try openMain(link)
  }

  private func missingDelay() -> Duration { Self.missingDelay * Double.random(in: 0.1...1) }

  private func look(_ link: Link) throws(AMQPError) {
    guard let index = plan.inProgress, plan.phases[index] == .looking else { return }
    ask()
    switch lookoutPhase {
    case .closed:
      lookoutPhase = .opening
      try link.openChannel(Self.lookout)
    case .opening: break
    case .open: try link.inspectQueue(Self.lookout, mailbox.subscriptions[index].queue)
    }
  }

  private func consume(_ index: Int, _ link: Link) throws(AMQPError) {
    let subscription = mailbox.subscriptions[index]
    let start = mailbox.streamStart(index)
    ask()
    try link.setPrefetch(Self.main, subscription.prefetch)
    try link.consume(
      Self.main, queue: subscription.queue, tag: "s\(index)",
      arguments: start.map { ["x-stream-offset": $0.argument] } ?? [:])
  }

  private func index(of tag: String) -> Int? {
    Int(tag.dropFirst()).flatMap { mailbox.subscriptions.indices.contains($0) ? $0 : nil }
  }

  // MARK: Deliveries and acknowledgements

  private func deliver(_ content: FrameAssembler.Content?) throws(AMQPError) {
    guard let content, case .deliver(let method) = content.method else { return }
    try acknowledgements.deliver(method.tag)
    guard let index = index(of: method.consumerTag) else {
      throw AMQPError(.protocolViolation, "a delivery for an unknown consumer")
    }
    let headers = content.properties.headers
    deliveries.append(
      (
        index,
        AMQPDelivery(
          queue: mailbox.subscriptions[index].queue, exchange: method.exchange, routingKey: method.routingKey,
          body: content.body, messageID: content.properties.messageID, type: content.properties.type,
          contentType: content.properties.contentType, timestamp: content.properties.timestamp, headers: headers,
          redelivered: method.redelivered,
          deliveryCount: Int(clamping: headers["x-delivery-count"]?.intValue ?? 0),
          streamOffset: headers["x-stream-offset"]?.intValue.map { UInt64(clamping: $0) },
          token: .init(epoch: epoch, tag: method.tag))
      ))
  }

  func flush(_ link: Link, now: ContinuousClock.Instant) throws(AMQPError) {
    if isEnding { return }
    if let answerDue, now >= answerDue {
      throw AMQPError(.timeout, "the broker did not answer in time")
    }
    if !deliveries.isEmpty {
      for tag in mailbox.deliver(deliveries) { acknowledgements.acknowledge(tag, multiple: false) }
      deliveries.removeAll(keepingCapacity: true)
    }
    if let index = mailbox.giveUpSilent(now: now) {
      throw AMQPError(.silent, "nothing came from \(mailbox.subscriptions[index].queue) for too long")
    }
    let wishes = mailbox.takeWishes()
    guard mainPhase == .open else {
      for index in wishes.restarts { plan.restart(index) }
      return
    }
    try acknowledge(wishes.acknowledgements, link)
    for index in wishes.restarts { plan.restart(index) }
    while let action = plan.next(isWanted: wishes.isConsumingWanted, now: now) {
      switch action {
      case .look: try look(link)
      case .cancel(let index):
        ask()
        try link.cancel(Self.main, tag: "s\(index)")
      }
    }
    mailbox.setReady(plan.isConsumingAll || !wishes.isConsumingWanted)
    if wishes.unseen == acknowledgements.unacknowledged, let whenDone {
      self.whenDone = nil
      whenDone()
    }
  }

  private func acknowledge(_ wishes: [ConsumerMailbox.Acknowledgement], _ link: Link) throws(AMQPError) {
    for wish in wishes where wish.token.epoch == epoch {
      acknowledgements.acknowledge(wish.token.tag, multiple: wish.multiple)
    }
    guard acknowledgements.hasNews else { return }
    let frames = acknowledgements.takeFrames()
    if frames.count > 1 { link.cork() }
    for frame in frames { try link.acknowledge(Self.main, tag: frame.tag, multiple: frame.multiple) }
    if frames.count > 1 { link.uncork() }
  }

  func end(_ error: AMQPError?) {
    mailbox.detach()
    _ = mailbox.beginEpoch()
  }
}
