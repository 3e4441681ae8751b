import CCurl

/// One request at work: its easy handle and what the callbacks collect. Used on the loop's thread only.
final class Transfer {
  let handle: UnsafeMutableRawPointer
  let ticket: UInt64
  let request: HTTPTransportRequest
  var continuation: CheckedContinuation<HTTPTransportExchange, Never>?
  var isCancelled = false

  private var headerList: UnsafeMutablePointer<curl_slist>?
  private let onFirstByte: (@Sendable (ContinuousClock.Instant) -> Void)?
  private var bodySent = 0
  private var response = ResponseCollector()
  private var firstByteAt: ContinuousClock.Instant?
  private var isClaimExpired = false
  /// What had been written before the request itself: a CONNECT to a proxy.
  private var bytesBefore = 0
  private let begunAt = ContinuousClock.now
  private var connectedAfter: Duration?

  /// Prepares the handle; `nil` when libcurl refuses a part of the request.
  init?(
    _ request: HTTPTransportRequest, ticket: UInt64, _ configuration: HTTPTransportConfiguration,
    onFirstByte: (@Sendable (ContinuousClock.Instant) -> Void)?
  ) {
    guard let handle = curl_easy_init() else { return nil }
    self.handle = handle
    self.ticket = ticket
    self.request = request
    self.onFirstByte = onFirstByte
    var options = EasyOptions(handle: handle)
    options.apply(configuration)
    headerList = options.apply(request)
    setCallbacks(&options)
    // Deinit still runs: every property is set.
    guard options.areAccepted else { return nil }
  }

  deinit {
    curl_easy_cleanup(handle)
    curl_slist_free_all(headerList)
  }

  /// The transfer that a handle belongs to.
  static func of(_ handle: UnsafeMutableRawPointer) -> Transfer? {
    from(sluice_curl_get_private(handle))
  }

  /// Says how the request ended. Call it before the handle is removed.
  func exchange(endedBy code: CURLcode) -> HTTPTransportExchange {
    let hasWritten = hasWrittenBytes && !isRefusedByProxy
    return HTTPTransportExchange(
      result: result(of: code, hasWritten: hasWritten), firstByteAt: hasWritten ? firstByteAt : nil, finishedAt: .now,
      requestBytesWritten: hasWritten, connectedAfter: connectedAfter)
  }

  private var bytesWritten: Int { sluice_curl_get_long(handle, CURLINFO_REQUEST_SIZE) }

  private var hasWrittenBytes: Bool { firstByteAt != nil && bytesWritten > bytesBefore }

  /// A 407 without a tunnel is the proxy's own (RFC 9110 §15.5.8): it passed nothing on.
  private var isRefusedByProxy: Bool {
    request.proxy != nil && response.status == 407 && request.url.lowercased().hasPrefix("http:")
  }

  private func result(of code: CURLcode, hasWritten: Bool) -> HTTPTransportExchange.Result {
    if isRefusedByProxy {
      return .notSent(HTTPTransportFailure(kind: .connection, message: "the proxy refused the credentials"))
    }
    // libcurl calls it a success when the connection ends within the head.
    if code == CURLE_OK, !response.isHeadComplete {
      return .unknown(HTTPTransportFailure(kind: .cut, message: "the head of the answer was cut off"))
    }
    if code == CURLE_OK {
      return .response(status: response.status, headers: response.headers, body: response.body, isComplete: true)
    }
    let failure = isCancelled ? HTTPTransportFailure(kind: .cancelled, message: "cancelled") : .init(code)
    guard hasWritten else { return isClaimExpired ? .claimExpired : .notSent(Self.local(failure)) }
    guard response.isHeadComplete else { return .unknown(failure) }
    return .response(status: response.status, headers: response.headers, body: response.body, isComplete: false)
  }

  /// libcurl has no code of its own for a socket, or a file of the resolver's, that the system refused.
  private static func local(_ failure: HTTPTransportFailure) -> HTTPTransportFailure {
    switch failure.kind {
    case .connection, .resolve, .tls, .other:
      DescriptorRoom.isThere(for: 4)
        ? failure : HTTPTransportFailure(kind: .descriptors, message: "no descriptors left")
    case .timeout, .cut, .cancelled, .descriptors:
      failure
    }
  }

  private func setCallbacks(_ options: inout EasyOptions) {
    let context = Unmanaged.passUnretained(self).toOpaque()
    options.set(CURLOPT_PRIVATE, pointer: context)
    options.set(CURLOPT_PREREQDATA, pointer: context)
    options.setPrereqFunction { context, _, _, _, _ in
      Transfer.from(context)?.beforeRequest() ?? CURL_PREREQFUNC_ABORT
    }
    options.set(CURLOPT_READDATA, pointer: context)
    // No seek function, so that libcurl cannot rewind the body and post it again.
    options.set(CURLOPT_READFUNCTION) { data, size, count, context in
      Transfer.from(context)?.readBody(into: data, room: size * count) ?? 0
    }
    options.set(CURLOPT_WRITEDATA, pointer: context)
    options.set(CURLOPT_WRITEFUNCTION) { data, size, count, context in
      Transfer.from(context)?.take(data, count: size * count, isHeader: false) ?? 0
    }
    options.set(CURLOPT_HEADERDATA, pointer: context)
    options.set(CURLOPT_HEADERFUNCTION) { data, size, count, context in
      Transfer.from(context)?.take(data, count: size * count, isHeader: true) ?? 0
    }
  }

  private static func from(_ context: UnsafeMutableRawPointer?) -> Transfer? {
    context.map { Unmanaged<Transfer>.fromOpaque($0).takeUnretainedValue() }
  }

  /// The connection is ready and nothing of this try written; libcurl comes here again when it wants to repeat.
  private func beforeRequest() -> Int32 {
    if !request.isRepeatable, hasWrittenBytes { return CURL_PREREQFUNC_ABORT }
    let now = ContinuousClock.now
    connectedAfter = begunAt.duration(to: now)
    let limit = firstByteAt == nil ? request.claimLimit : min(request.claimLimit, HTTPTransportRequest.repeatLimit)
    if let claimedAt = request.claimedAt, claimedAt.duration(to: now) > limit {
      isClaimExpired = true
      return CURL_PREREQFUNC_ABORT
    }
    if firstByteAt == nil { bytesBefore = bytesWritten }
    firstByteAt = now
    onFirstByte?(now)
    return CURL_PREREQFUNC_OK
  }

  private func readBody(into buffer: UnsafeMutablePointer<CChar>?, room: Int) -> Int {
    guard let buffer else { return 0 }
    let count = min(room, request.body.count - bodySent)
    guard count > 0 else { return 0 }
    request.body.withUnsafeBytes { bytes in
      UnsafeMutableRawBufferPointer(start: buffer, count: count).copyBytes(from: bytes[bodySent..<bodySent + count])
    }
    bodySent += count
    return count
  }

  /// Collects; anything but `count` makes libcurl give up.
  private func take(_ data: UnsafeMutablePointer<CChar>?, count: Int, isHeader: Bool) -> Int {
    guard let data else { return 0 }
    let bytes = UnsafeRawBufferPointer(start: data, count: count)
    let isTaken = isHeader ? response.takeHeader(bytes) : response.takeBody(bytes, limit: request.responseLimit)
    return isTaken ? count : 0
  }
}
