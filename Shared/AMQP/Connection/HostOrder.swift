/// In which order one connection tries the broker's hosts. Pure.
///
/// A host that failed goes last.
struct HostOrder {
  typealias Host = AMQPConfiguration.Host

  private var order: [Host]
  private var failed: Host?

  /// - Parameter hosts: The first is tried first.
  init(_ hosts: [Host]) { order = hosts }

  /// The next to try: `home`; then the first that is not suspected; else the one that has been suspected for longest.
  ///
  /// The host that failed last comes after all of these: one that was suspected a while ago may work again.
  /// - Parameters:
  ///   - suspects: Hosts that answer and do not work, in the order in which they were found out.
  ///   - home: Where the connection should be.
  func next(avoiding suspects: [Host], home: Host? = nil) -> Host? {
    if let home, home != failed, order.contains(home), !suspects.contains(home) { return home }
    let others = order.filter { $0 != failed }
    return others.first { !suspects.contains($0) } ?? suspects.first(where: others.contains) ?? order.first
  }

  /// This host could not be reached, or was lost or left.
  mutating func setBack(_ host: Host) {
    failed = host
    guard let place = order.firstIndex(of: host) else { return }
    order.remove(at: place)
    order.append(host)
  }
}
