import HTTPTypes
import Hummingbird

/// Tells who a request is from: the peer of the connection, or, behind proxies that are trusted, who they say.
struct ClientAddress: Sendable {
  /// `SLUICE_TRUSTED_PROXIES`
  var trusted: [AddressRange] = []

  /// - Returns: An IP address, or `nil` when there is none.
  func client(of request: Request, peer: String?) -> String? {
    client(peer: peer, forwarded: request.headers[values: Self.forwardedFor])
  }

  /// The last address of the chain that no trusted proxy has: everything before it anybody may have written.
  func client(peer: String?, forwarded: [String]) -> String? {
    guard let peer, var found = IPAddress(peer) else { return nil }
    guard isTrusted(found) else { return found.description }
    let chain = forwarded.flatMap { $0.split(separator: ",") }
    for text in chain.reversed() {
      guard let address = IPAddress(String(text.filter { $0 != " " && $0 != "\t" })) else { break }
      found = address
      if !isTrusted(address) { break }
    }
    return found.description
  }

  private func isTrusted(_ address: IPAddress) -> Bool { trusted.contains { $0.contains(address) } }

  private static let forwardedFor = HTTPField.Name.known("X-Forwarded-For")
}
