import CCurl

extension HTTPTransportFailure {
  /// Sorts libcurl's codes; its texts are constants.
  init(_ code: CURLcode) {
    let kind: Kind =
      switch code {
      case CURLE_OPERATION_TIMEDOUT: .timeout
      case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: .resolve
      case CURLE_COULDNT_CONNECT, CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_GOT_NOTHING, CURLE_SEND_FAIL_REWIND,
        CURLE_ABORTED_BY_CALLBACK, CURLE_PROXY:
        .connection
      case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
        CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_INVALIDCERTSTATUS:
        .tls
      case CURLE_PARTIAL_FILE: .cut
      default: .other
      }
    self.init(kind: kind, message: String(cString: curl_easy_strerror(code)))
  }
}
