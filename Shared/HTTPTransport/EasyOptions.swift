import CCurl

/// Sets options of an easy handle and remembers whether libcurl took them all.
struct EasyOptions {
  private let handle: UnsafeMutableRawPointer
  private(set) var areAccepted = true

  init(handle: UnsafeMutableRawPointer) { self.handle = handle }

  mutating func apply(_ configuration: HTTPTransportConfiguration) {
    set(CURLOPT_NOSIGNAL, 1)
    set(CURLOPT_FOLLOWLOCATION, 0)
    set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
    set(CURLOPT_PROTOCOLS_STR, string: configuration.allowInsecureHTTP ? "http,https" : "https")
    set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
    set(CURLOPT_SSL_VERIFYPEER, 1)
    set(CURLOPT_SSL_VERIFYHOST, 2)
    if let file = configuration.authoritiesFile { set(CURLOPT_CAINFO, string: file) }
    // Both set, or libcurl looks at http_proxy and no_proxy.
    set(CURLOPT_PROXY, string: configuration.proxy ?? "")
    set(CURLOPT_NOPROXY, string: "")
    set(CURLOPT_USERAGENT, string: configuration.userAgent)
    set(CURLOPT_MAXAGE_CONN, max(1, Int(configuration.idleLimit.components.seconds)))
  }

  /// - Returns: The header list, which must live as long as the handle and be freed after it.
  mutating func apply(_ request: HTTPTransportRequest) -> UnsafeMutablePointer<curl_slist>? {
    set(CURLOPT_URL, string: request.url)
    if let proxy = request.proxy {
      set(CURLOPT_PROXY, string: proxy)
      // An answer to CONNECT is the proxy's and none of the provider's.
      set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
    }
    set(CURLOPT_CONNECTTIMEOUT_MS, request.connectTimeout.wholeMilliseconds)
    set(CURLOPT_TIMEOUT_MS, request.timeout.wholeMilliseconds)
    if !request.reuseConnections {
      set(CURLOPT_FRESH_CONNECT, 1)
      set(CURLOPT_FORBID_REUSE, 1)
    }
    switch request.method {
    case "GET": set(CURLOPT_HTTPGET, 1)
    case "HEAD": set(CURLOPT_NOBODY, 1)
    default:
      set(CURLOPT_POST, 1)
      accept(sluice_curl_set_offset(handle, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(request.body.count)))
      if request.method != "POST" { set(CURLOPT_CUSTOMREQUEST, string: request.method) }
    }
    var list: UnsafeMutablePointer<curl_slist>?
    // Content codings are decoded as they come, but not asked for.
    set(CURLOPT_ACCEPT_ENCODING, string: "")
    for line in ["Expect:", "Accept-Encoding:"] + request.headers.map({ "\($0): \($1)" }) {
      if line.utf8.contains(where: { $0 == 0x0D || $0 == 0x0A || $0 == 0 }) { areAccepted = false }
      guard let longer = curl_slist_append(list, line) else {
        areAccepted = false
        break
      }
      list = longer
    }
    accept(sluice_curl_set_list(handle, CURLOPT_HTTPHEADER, list))
    return list
  }

  mutating func set(_ option: CURLoption, _ value: Int) { accept(sluice_curl_set_long(handle, option, value)) }

  mutating func set(_ option: CURLoption, string: String) { accept(sluice_curl_set_string(handle, option, string)) }

  mutating func set(_ option: CURLoption, pointer: UnsafeMutableRawPointer) {
    accept(sluice_curl_set_pointer(handle, option, pointer))
  }

  mutating func set(_ option: CURLoption, _ function: @escaping sluice_curl_data_function) {
    accept(sluice_curl_set_data_function(handle, option, function))
  }

  mutating func setPrereqFunction(_ function: @escaping curl_prereq_callback) {
    accept(sluice_curl_set_prereq_function(handle, function))
  }

  private mutating func accept(_ code: CURLcode) {
    if code != CURLE_OK { areAccepted = false }
  }
}

extension Duration {
  /// At least one, since libcurl takes 0 for "no limit".
  fileprivate var wholeMilliseconds: Int {
    let (seconds, attoseconds) = components
    return max(1, Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000))
  }
}
