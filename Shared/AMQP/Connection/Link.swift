import CRabbitMQ
import Glibc

/// One librabbitmq connection. It blocks, is not thread-safe and never leaves the actor that made it.
///
/// After any error it is of no more use but to be closed.
final class Link {
  let handle: amqp_connection_state_t
  let pool = ArgumentPool()
  private var isOpen = false

  init() throws(AMQPError) {
    guard let handle = amqp_new_connection() else { throw AMQPError(.other, "no memory for a connection") }
    self.handle = handle
  }

  deinit { amqp_destroy_connection(handle) }

  var fileDescriptor: Int32 { amqp_get_sockfd(handle) }

  /// Connects, shakes hands and logs in. Blocks for at most the two time-outs, besides the name's resolution.
  func open(_ configuration: AMQPConfiguration, host: AMQPConfiguration.Host) throws(AMQPError) {
    guard let socket = amqp_tcp_socket_new(handle) else { throw AMQPError(.other, "no memory for a socket") }
    var connectTimeout = timeval(configuration.connectTimeout)
    var rpcTimeout = timeval(configuration.rpcTimeout)
    amqp_set_handshake_timeout(handle, &rpcTimeout)
    amqp_set_rpc_timeout(handle, &rpcTimeout)
    try check(amqp_socket_open_noblock(socket, host.name, Int32(host.port), &connectTimeout))
    setWriteTimeout()
    pool.reset()
    var properties = pool.table([
      "connection_name": .string(configuration.connectionName),
      "product": "sluice",
      "capabilities": .table([
        "connection.blocked": true, "consumer_cancel_notify": true, "publisher_confirms": true, "basic.nack": true,
      ]),
    ])
    let seconds = max(1, Int32(clamping: configuration.heartbeat.components.seconds))
    let reply = sluice_amqp_login(
      handle, configuration.virtualHost, 8, Int32(clamping: configuration.frameMax), seconds, &properties,
      configuration.username, configuration.password)
    try check(reply)
    isOpen = true
  }

  /// Says good-bye when the connection still works, waiting at most a second for the answer.
  func close() {
    guard isOpen else { return }
    isOpen = false
    var timeout = timeval(tv_sec: 1, tv_usec: 0)
    amqp_set_rpc_timeout(handle, &timeout)
    _ = amqp_connection_close(handle, 200)
  }

  /// Gathers what is written until `uncork()` into few packets.
  func cork() { setOption(TCP_CORK, 1) }
  /// Sends what was gathered. Also needed after a body that fills its last frame: librabbitmq marks that one as unfinished.
  func uncork() { setOption(TCP_CORK, 0) }

  func check(_ status: Int32) throws(AMQPError) {
    guard status < 0 else { return }
    isOpen = false
    throw AMQPError(libraryStatus: status)
  }

  private func check(_ reply: amqp_rpc_reply_t) throws(AMQPError) {
    switch reply.reply_type {
    case AMQP_RESPONSE_NORMAL: return
    case AMQP_RESPONSE_LIBRARY_EXCEPTION: throw AMQPError(libraryStatus: reply.library_error)
    default:
      guard reply.reply.id == sluice_connection_close, let decoded = reply.reply.decoded else {
        throw AMQPError(.protocolViolation, "an unexpected answer to the login")
      }
      let close = decoded.load(as: amqp_connection_close_t.self)
      // 403: wrong user or password, 530: no such virtual host or no access to it.
      throw AMQPError(
        close.reply_code == 403 || close.reply_code == 530 ? .authentication : .closedByBroker,
        replyCode: close.reply_code, close.reply_text.string)
    }
  }

  /// A write to a host that vanished would otherwise block for a quarter of an hour.
  private func setWriteTimeout() { setOption(TCP_USER_TIMEOUT, 60_000) }

  private func setOption(_ option: Int32, _ value: Int32) {
    var value = value
    setsockopt(fileDescriptor, Int32(IPPROTO_TCP), option, &value, socklen_t(MemoryLayout<Int32>.size))
  }
}

extension AMQPError {
  init(libraryStatus status: Int32) {
    let text = String(cString: amqp_error_string2(status))
    switch amqp_status_enum(status) {
    case AMQP_STATUS_HOSTNAME_RESOLUTION_FAILED: self.init(.resolve, text)
    case AMQP_STATUS_TIMEOUT: self.init(.timeout, text)
    case AMQP_STATUS_HEARTBEAT_TIMEOUT, AMQP_STATUS_CONNECTION_CLOSED: self.init(.lost, text)
    case AMQP_STATUS_SOCKET_ERROR, AMQP_STATUS_TCP_ERROR: self.init(.connect, text)
    case AMQP_STATUS_BAD_AMQP_DATA, AMQP_STATUS_UNKNOWN_CLASS, AMQP_STATUS_UNKNOWN_METHOD,
      AMQP_STATUS_INCOMPATIBLE_AMQP_VERSION, AMQP_STATUS_UNEXPECTED_STATE:
      self.init(.protocolViolation, text)
    default: self.init(.other, text)
    }
  }
}

extension timeval {
  init(_ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    self.init(tv_sec: Int(seconds), tv_usec: Int(attoseconds / 1_000_000_000_000))
  }
}
