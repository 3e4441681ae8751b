import Foundation
import HTTPTypes

/// Addresses of the panel's own pages.
enum PanelURL {
  /// `?name=value&…`, or nothing.
  static func query(_ pairs: [(name: String, value: String)]) -> String {
    guard !pairs.isEmpty else { return "" }
    return "?" + pairs.map { "\(escaped($0.name))=\(escaped($0.value))" }.joined(separator: "&")
  }

  /// Where somebody goes on after a login: only to a page of ours, whatever the address says.
  static func local(_ text: String?) -> String {
    guard let text, text.hasPrefix("/"), !text.hasPrefix("//"), text.utf8.count <= 2_000,
      text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") })
    else { return "/" }
    return text
  }

  static func escaped(_ text: String) -> String {
    // Nothing but unreserved characters stays (RFC 3986 §2.3), so it can always be escaped.
    text.addingPercentEncoding(withAllowedCharacters: unreserved) ?? ""
  }

  private static let unreserved = CharacterSet(
    charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
}
