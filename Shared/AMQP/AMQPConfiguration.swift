/// How to reach the broker. Never shows the password when printed.
public struct AMQPConfiguration: Sendable, CustomStringConvertible {
  public struct Host: Sendable, Hashable, CustomStringConvertible {
    public var name: String
    public var port: Int

    public init(name: String, port: Int = 5672) {
      self.name = name
      self.port = port
    }

    public var description: String { name.contains(":") ? "[\(name)]:\(port)" : "\(name):\(port)" }
  }

  /// Each connection begins with one of them at random and goes on in turn, the last bad one last; never empty.
  public var hosts: [Host]
  public var virtualHost: String
  public var username: String
  public var password: String
  /// Shown by the broker's management pages.
  public var connectionName = ""
  /// Both sides send a sign of life this often; a silent peer is given up after twice that. Whole seconds, at least 1.
  public var heartbeat: Duration = .seconds(10)
  /// For the TCP connection to one host.
  public var connectTimeout: Duration = .seconds(3)
  /// For the handshake, and for each answer to a question.
  public var rpcTimeout: Duration = .seconds(5)
  public var frameMax = 131_072
  /// How publishers find out, while they have nothing to publish, whether the broker confirms anything; nil for not at all.
  public var probe: AMQPProbe?
  /// Shared by all copies: the connections of a process learn from each other which host does not work.
  let board = HostBoard()

  public init(hosts: [Host], virtualHost: String, username: String, password: String) {
    self.hosts = hosts
    self.virtualHost = virtualHost
    self.username = username
    self.password = password
  }

  public func with(probe: AMQPProbe) -> AMQPConfiguration {
    var copy = self
    copy.probe = probe
    return copy
  }

  public func named(_ connectionName: String) -> AMQPConfiguration {
    var copy = self
    copy.connectionName = connectionName
    return copy
  }

  public func with(heartbeat: Duration) -> AMQPConfiguration {
    var copy = self
    copy.heartbeat = heartbeat
    return copy
  }

  public var description: String {
    "amqp://\(username)@\(hosts.map(\.description).joined(separator: ","))/\(virtualHost)"
  }
}
