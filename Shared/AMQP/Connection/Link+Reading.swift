import CRabbitMQ

extension Link {
  /// The next frame, or nil when none has come. Never waits; also sends the heartbeat when it is due.
  func next() throws(AMQPError) -> InboundFrame? {
    amqp_maybe_release_buffers(handle)
    var frame = amqp_frame_t()
    var noWait = timeval(tv_sec: 0, tv_usec: 0)
    let status = amqp_simple_wait_frame_noblock(handle, &frame, &noWait)
    if status == AMQP_STATUS_TIMEOUT.rawValue { return nil }
    try check(status)
    switch Int32(frame.frame_type) {
    case AMQP_FRAME_METHOD:
      return .method(channel: frame.channel, InboundMethod(frame.payload.method))
    case AMQP_FRAME_HEADER:
      let header = frame.payload.properties
      guard let decoded = header.decoded?.assumingMemoryBound(to: amqp_basic_properties_t.self) else {
        throw AMQPError(.protocolViolation, "a content header without properties")
      }
      return .header(
        channel: frame.channel,
        ContentHeader(bodySize: header.body_size, properties: ContentProperties(decoded.pointee)))
    case AMQP_FRAME_BODY:
      return .body(channel: frame.channel, frame.payload.body_fragment.buffer)
    default:
      throw AMQPError(.protocolViolation, "a frame of unknown type \(frame.frame_type)")
    }
  }
}

extension InboundMethod {
  /// Reads the decoded method. Each branch knows its struct by the method's number.
  init(_ method: amqp_method_t) {
    guard let decoded = UnsafeRawPointer(method.decoded) else {
      self = .other(method.id)
      return
    }
    switch method.id {
    case sluice_basic_deliver:
      let deliver = decoded.load(as: amqp_basic_deliver_t.self)
      self = .deliver(
        DeliverMethod(
          consumerTag: deliver.consumer_tag.string, tag: deliver.delivery_tag, redelivered: deliver.redelivered != 0,
          exchange: deliver.exchange.string, routingKey: deliver.routing_key.string))
    case sluice_basic_ack:
      let ack = decoded.load(as: amqp_basic_ack_t.self)
      self = .ack(tag: ack.delivery_tag, multiple: ack.multiple != 0)
    case sluice_basic_nack:
      let nack = decoded.load(as: amqp_basic_nack_t.self)
      self = .nack(tag: nack.delivery_tag, multiple: nack.multiple != 0)
    case sluice_basic_return:
      let returned = decoded.load(as: amqp_basic_return_t.self)
      self = .returned(
        ReturnMethod(
          code: returned.reply_code, text: returned.reply_text.string, exchange: returned.exchange.string,
          routingKey: returned.routing_key.string))
    case sluice_basic_consume_ok:
      self = .consumeStarted(tag: decoded.load(as: amqp_basic_consume_ok_t.self).consumer_tag.string)
    case sluice_basic_cancel_ok:
      self = .consumeStopped(tag: decoded.load(as: amqp_basic_cancel_ok_t.self).consumer_tag.string)
    case sluice_basic_cancel:
      self = .consumerCancelled(tag: decoded.load(as: amqp_basic_cancel_t.self).consumer_tag.string)
    case sluice_connection_close:
      let close = decoded.load(as: amqp_connection_close_t.self)
      self = .connectionClose(
        BrokerReason(
          code: close.reply_code, text: close.reply_text.string, classID: close.class_id, methodID: close.method_id))
    case sluice_channel_close:
      let close = decoded.load(as: amqp_channel_close_t.self)
      self = .channelClose(
        BrokerReason(
          code: close.reply_code, text: close.reply_text.string, classID: close.class_id, methodID: close.method_id))
    case sluice_connection_blocked:
      self = .connectionBlocked(reason: decoded.load(as: amqp_connection_blocked_t.self).reason.string)
    case sluice_connection_unblocked: self = .connectionUnblocked
    case sluice_channel_open_ok: self = .channelOpened
    case sluice_channel_close_ok: self = .channelClosed
    case sluice_confirm_select_ok: self = .confirmSelected
    case sluice_queue_declare_ok: self = .queueDeclared
    case sluice_basic_qos_ok: self = .qosSet
    default: self = .other(method.id)
    }
  }
}

extension ContentProperties {
  init(_ properties: amqp_basic_properties_t) {
    func has(_ flag: Int32) -> Bool { properties._flags & amqp_flags_t(flag) != 0 }
    if has(AMQP_BASIC_MESSAGE_ID_FLAG) { messageID = properties.message_id.string }
    if has(AMQP_BASIC_TYPE_FLAG) { type = properties.type.string }
    if has(AMQP_BASIC_CONTENT_TYPE_FLAG) { contentType = properties.content_type.string }
    if has(AMQP_BASIC_TIMESTAMP_FLAG) { timestamp = properties.timestamp }
    if has(AMQP_BASIC_HEADERS_FLAG) { headers = .init(properties.headers) }
  }
}
