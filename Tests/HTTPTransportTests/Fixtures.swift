import HTTPTransport
import Logging
import Testing

/// A transport as services use it, but with plain HTTP.
func makeTransport(idleLimit: Duration = .seconds(30)) -> HTTPTransport {
  HTTPTransport(
    configuration: HTTPTransportConfiguration(userAgent: "test", allowInsecureHTTP: true, idleLimit: idleLimit),
    logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
}

extension HTTPTransportRequest {
  /// A post with short limits.
  static func post(_ url: String, _ body: String = "a=b", timeout: Duration = .seconds(10)) -> HTTPTransportRequest {
    HTTPTransportRequest(url: url, body: Array(body.utf8), timeout: timeout)
  }
}

extension HTTPTransportExchange {
  /// The answer's parts; `nil` without an answer.
  var answer: (status: Int, body: String, isComplete: Bool)? {
    switch result {
    case .response(let status, _, let body, let isComplete): (status, String(decoding: body, as: UTF8.self), isComplete)
    case .notSent, .claimExpired, .unknown: nil
    }
  }

  /// `response`, `notSent kind`, `claimExpired` or `unknown kind`.
  var summary: String {
    switch result {
    case .response: "response"
    case .notSent(let failure): "notSent \(failure.kind)"
    case .claimExpired: "claimExpired"
    case .unknown(let failure): "unknown \(failure.kind)"
    }
  }
}
