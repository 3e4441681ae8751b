import HTTPTypes
import Hummingbird

/// Whether a page of ours sent a request, as browsers say it.
enum SameOrigin {
  private static let site = HTTPField.Name.known("Sec-Fetch-Site")

  /// By Fetch Metadata (https://www.w3.org/TR/fetch-metadata/), which browsers send over TLS and to their own machine,
  /// else by the origin (RFC 6454).
  /// - Returns: False also for what says nothing of where it comes from.
  static func isSender(of request: Request) -> Bool {
    if let site = request.headers[site] { return site == "same-origin" }
    guard let origin = request.headers[.origin], let host = request.head.authority else { return false }
    return origin == "http://\(host)" || origin == "https://\(host)"
  }
}
