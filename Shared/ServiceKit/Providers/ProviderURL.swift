import Foundation

/// Checks and shows providers' URLs.
enum ProviderURL {
  /// What is wrong with a URL, without naming it; `nil` when it can be used.
  static func problem(_ text: String) -> String? {
    guard let parts = URLComponents(string: text), let scheme = parts.scheme?.lowercased() else {
      return "must be an http or https URL"
    }
    guard scheme == "http" || scheme == "https" else { return "must be an http or https URL" }
    guard let host = parts.host, !host.isEmpty else { return "must name a host" }
    guard parts.port.map({ (1...65_535).contains($0) }) ?? true else { return "must have a port from 1 to 65535" }
    return nil
  }

  /// What is wrong with a proxy's address, without naming it; `nil` when it can be used.
  static func proxyProblem(_ text: String) -> String? {
    guard let parts = URLComponents(string: text), parts.scheme?.lowercased() == "http", let host = parts.host,
      !host.isEmpty, let port = parts.port, (1...65_535).contains(port), ["", "/"].contains(parts.path),
      parts.query == nil, parts.fragment == nil
    else { return "must be http://host:port or http://user:password@host:port" }
    return nil
  }

  static func withoutSecrets(_ text: String) -> String {
    guard var parts = URLComponents(string: text) else { return "" }
    parts.user = nil
    parts.password = nil
    parts.query = nil
    parts.fragment = nil
    return parts.string ?? ""
  }
}
