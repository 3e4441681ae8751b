import BlockingIO
import CCurl
import Logging
import NIOConcurrencyHelpers

/// All requests under way, on the thread that runs libcurl's multi handle.
actor CurlLoop {
  private let waiter: MultiWaiter
  private let executor: ThreadExecutor
  private let configuration: HTTPTransportConfiguration
  private let logger: Logger
  private let lastTicket = NIOLockedValueBox<UInt64>(0)
  private var transfers: [UInt64: Transfer] = [:]
  private var isOpen = false
  private var isClosed = false

  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  init(configuration: HTTPTransportConfiguration, logger: Logger) {
    self.configuration = configuration
    self.logger = logger
    waiter = MultiWaiter()
    executor = ThreadExecutor(name: "http", waiter: waiter)
  }

  /// A number by which a request can be cancelled, even before it has begun.
  nonisolated func issueTicket() -> UInt64 {
    lastTicket.withLockedValue { last in
      last += 1
      return last
    }
  }

  func perform(
    _ request: HTTPTransportRequest, ticket: UInt64, onFirstByte: (@Sendable (ContinuousClock.Instant) -> Void)?
  ) async -> HTTPTransportExchange {
    open()
    if isClosed || Task.isCancelled { return .notBegun(.cancelled, "cancelled") }
    guard let transfer = Transfer(request, ticket: ticket, configuration, onFirstByte: onFirstByte) else {
      return .notBegun(.other, "the request is not valid")
    }
    return await withCheckedContinuation { continuation in
      transfer.continuation = continuation
      transfers[ticket] = transfer
      let code = curl_multi_add_handle(waiter.multi, transfer.handle)
      if code != CURLM_OK { finish(transfer, with: CURLE_FAILED_INIT) }
    }
  }

  func cancel(_ ticket: UInt64) {
    guard let transfer = transfers[ticket] else { return }
    transfer.isCancelled = true
    finish(transfer, with: CURLE_ABORTED_BY_CALLBACK)
  }

  func close() {
    isClosed = true
    for ticket in transfers.keys.sorted() { cancel(ticket) }
  }

  private func open() {
    guard !isOpen else { return }
    isOpen = true
    sluice_curl_multi_set_long(waiter.multi, CURLMOPT_MAXCONNECTS, configuration.keptConnections)
    sluice_curl_multi_set_long(waiter.multi, CURLMOPT_PIPELINING, Int(CURLPIPE_NOTHING))
    executor.onTurn { [weak self] in self?.assumeIsolated { $0.turn() } }
  }

  /// Lets libcurl work and takes what has ended.
  private func turn() {
    var running: Int32 = 0
    let code = curl_multi_perform(waiter.multi, &running)
    if code != CURLM_OK { logger.error("libcurl failed", metadata: ["curl.code": "\(code.rawValue)"]) }
    var left: Int32 = 0
    while let message = curl_multi_info_read(waiter.multi, &left) {
      guard message.pointee.msg == CURLMSG_DONE, let handle = message.pointee.easy_handle else { continue }
      let result = sluice_curl_message_result(message)
      if let transfer = Transfer.of(handle) { finish(transfer, with: result) }
    }
  }

  private func finish(_ transfer: Transfer, with code: CURLcode) {
    transfers[transfer.ticket] = nil
    let exchange = transfer.exchange(endedBy: code)
    curl_multi_remove_handle(waiter.multi, transfer.handle)
    transfer.continuation?.resume(returning: exchange)
    transfer.continuation = nil
  }
}

extension HTTPTransportExchange {
  fileprivate static func notBegun(_ kind: HTTPTransportFailure.Kind, _ message: String) -> HTTPTransportExchange {
    HTTPTransportExchange(
      result: .notSent(HTTPTransportFailure(kind: kind, message: message)), firstByteAt: nil, finishedAt: .now,
      requestBytesWritten: false, connectedAfter: nil)
  }
}
