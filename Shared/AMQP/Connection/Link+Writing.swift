import CRabbitMQ

// Questions are sent without waiting: their answers come through `next()` like everything else. librabbitmq's own
// calls wait on one channel and drop what another one has queued meanwhile.
extension Link {
  func openChannel(_ channel: UInt16) throws(AMQPError) {
    var method = amqp_channel_open_t(out_of_band: .none)
    try check(amqp_send_method(handle, channel, sluice_channel_open, &method))
  }

  func confirmChannelClose(_ channel: UInt16) throws(AMQPError) {
    var method = amqp_channel_close_ok_t()
    try check(amqp_send_method(handle, channel, sluice_channel_close_ok, &method))
  }

  func confirmConnectionClose() throws(AMQPError) {
    var method = amqp_connection_close_ok_t()
    try check(amqp_send_method(handle, 0, sluice_connection_close_ok, &method))
  }

  func selectConfirms(_ channel: UInt16) throws(AMQPError) {
    var method = amqp_confirm_select_t(nowait: 0)
    try check(amqp_send_method(handle, channel, sluice_confirm_select, &method))
  }

  /// Asks whether a queue exists; when not, the broker closes the channel.
  func inspectQueue(_ channel: UInt16, _ queue: String) throws(AMQPError) {
    pool.reset()
    var method = amqp_queue_declare_t()
    method.queue = pool.bytes(queue)
    method.passive = 1
    try check(amqp_send_method(handle, channel, sluice_queue_declare, &method))
  }

  /// Sets the prefetch of the consumers that are started from now on.
  func setPrefetch(_ channel: UInt16, _ count: UInt16) throws(AMQPError) {
    var method = amqp_basic_qos_t(prefetch_size: 0, prefetch_count: count, global: 0)
    try check(amqp_send_method(handle, channel, sluice_basic_qos, &method))
  }

  func consume(_ channel: UInt16, queue: String, tag: String, arguments: [String: AMQPValue]) throws(AMQPError) {
    pool.reset()
    var method = amqp_basic_consume_t()
    method.queue = pool.bytes(queue)
    method.consumer_tag = pool.bytes(tag)
    method.arguments = pool.table(arguments)
    try check(amqp_send_method(handle, channel, sluice_basic_consume, &method))
  }

  func cancel(_ channel: UInt16, tag: String) throws(AMQPError) {
    pool.reset()
    var method = amqp_basic_cancel_t(consumer_tag: pool.bytes(tag), nowait: 0)
    try check(amqp_send_method(handle, channel, sluice_basic_cancel, &method))
  }

  func acknowledge(_ channel: UInt16, tag: UInt64, multiple: Bool) throws(AMQPError) {
    try check(amqp_basic_ack(handle, channel, tag, multiple ? 1 : 0))
  }

  /// Writes a mandatory, persistent message. It may block while the socket is full.
  func publish(
    _ channel: UInt16, _ message: AMQPMessage, exchange: String, routingKey: String
  ) throws(AMQPError) {
    pool.reset()
    var properties = amqp_basic_properties_t()
    var flags = AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_CONTENT_TYPE_FLAG
    properties.delivery_mode = 2
    properties.content_type = pool.bytes(message.contentType)
    if let messageID = message.messageID {
      flags |= AMQP_BASIC_MESSAGE_ID_FLAG
      properties.message_id = pool.bytes(messageID)
    }
    if let type = message.type {
      flags |= AMQP_BASIC_TYPE_FLAG
      properties.type = pool.bytes(type)
    }
    if let timestamp = message.timestamp {
      flags |= AMQP_BASIC_TIMESTAMP_FLAG
      properties.timestamp = timestamp
    }
    if !message.headers.isEmpty {
      flags |= AMQP_BASIC_HEADERS_FLAG
      properties.headers = pool.table(message.headers)
    }
    properties._flags = amqp_flags_t(flags)
    let exchange = pool.bytes(exchange)
    let routingKey = pool.bytes(routingKey)
    let status = message.body.withUnsafeBytes { body in
      // librabbitmq only reads the body; its type has no const.
      let bytes = amqp_bytes_t(len: body.count, bytes: UnsafeMutableRawPointer(mutating: body.baseAddress))
      return amqp_basic_publish(handle, channel, exchange, routingKey, 1, 0, &properties, bytes)
    }
    try check(status)
  }
}
