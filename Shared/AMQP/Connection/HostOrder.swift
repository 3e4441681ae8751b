/// In which order one connection tries the broker's hosts. Pure.
///
/// It begins at random, so that many connections spread over the hosts; a host that failed goes last.
struct HostOrder {
  typealias Host = AMQPConfiguration.Host

  private var order: [Host]

  init(_ hosts: [Host], using generator: inout some RandomNumberGenerator) {
    order = hosts.shuffled(using: &generator)
  }

  init(_ hosts: [Host]) {
    var generator = SystemRandomNumberGenerator()
    self.init(hosts, using: &generator)
  }

  /// The next to try: the first that is not suspected, else the one that has been suspected for longest.
  /// - Parameter suspects: Hosts that answer and do not work, in the order in which they were found out.
  func next(avoiding suspects: [Host]) -> Host? {
    order.first { !suspects.contains($0) } ?? suspects.first { order.contains($0) }
  }

  /// This host could not be reached, or was lost or left.
  mutating func setBack(_ host: Host) {
    guard let place = order.firstIndex(of: host) else { return }
    order.remove(at: place)
    order.append(host)
  }
}
