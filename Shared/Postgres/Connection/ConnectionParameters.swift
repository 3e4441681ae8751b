import CPostgres

/// libpq's parameters for one host.
///
/// libpq's non-blocking connect gives one time limit to all hosts of a URL together, so that a silent first host would
/// hide the second: hence one set of parameters per host.
struct ConnectionParameters: Sendable, Equatable {
  private(set) var values: [String: String]

  subscript(keyword: String) -> String? { values[keyword] }

  /// Splits a URL or `key=value` string.
  static func perHost(url: String) throws -> [ConnectionParameters] {
    let values = try parse(url)
    let hosts = list(values["host"])
    let addresses = list(values["hostaddr"])
    let ports = list(values["port"])
    let count = max(hosts.count, addresses.count, 1)
    let isConsistent = { (list: [String]) in list.isEmpty || list.count == count }
    guard isConsistent(hosts), isConsistent(addresses), ports.count <= 1 || ports.count == count else {
      throw PostgresError(.configuration, "the database URL has not as many ports or addresses as hosts")
    }
    return (0..<count).map { index in
      var host = values
      host["host"] = hosts.isEmpty ? nil : hosts[index]
      host["hostaddr"] = addresses.isEmpty ? nil : addresses[index]
      host["port"] = ports.isEmpty ? nil : ports[ports.count == 1 ? 0 : index]
      return ConnectionParameters(values: host.filter { !$0.value.isEmpty })
    }
  }

  /// Adds what every session of ours needs; what the URL sets itself stays.
  func with(_ configuration: PostgresConfiguration) -> ConnectionParameters {
    let settings = [
      ("TimeZone", "UTC"), ("DateStyle", "ISO"), ("IntervalStyle", "iso_8601"), ("bytea_output", "hex"),
      ("statement_timeout", configuration.statementTimeout.settingValue),
      ("lock_timeout", configuration.lockTimeout.settingValue),
      ("idle_in_transaction_session_timeout", configuration.idleInTransactionTimeout.settingValue),
    ]
    var result = self
    // The URL's own options come last, so that they win.
    let options = settings.map { "-c \($0.0)=\($0.1)" } + [values["options"] ?? ""]
    result.values["options"] = options.joined(separator: " ")
    result.values["client_encoding"] = "UTF8"
    let defaults = [
      ("application_name", configuration.applicationName), ("keepalives", "1"), ("keepalives_idle", "10"),
      ("keepalives_interval", "3"), ("keepalives_count", "3"), ("tcp_user_timeout", "15000"),
    ]
    for (keyword, value) in defaults where result.values[keyword] == nil { result.values[keyword] = value }
    return result
  }

  private static func parse(_ url: String) throws -> [String: String] {
    // libpq quotes the faulty part of the string in its message, which may be the password.
    guard !url.utf8.contains(0), let options = PQconninfoParse(url, nil) else {
      throw PostgresError(.configuration, "the database URL is not one that libpq understands")
    }
    defer { PQconninfoFree(options) }
    var values: [String: String] = [:]
    var option = options
    while let keyword = option.pointee.keyword {
      if let value = option.pointee.val { values[String(cString: keyword)] = String(cString: value) }
      option += 1
    }
    return values
  }

  private static func list(_ value: String?) -> [String] {
    guard let value, !value.isEmpty else { return [] }
    return value.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
  }
}

extension Duration {
  /// As PostgreSQL's settings take it, in whole milliseconds; at least 1, since 0 would mean no limit.
  fileprivate var settingValue: String { "\(max(1, Int64(self / .milliseconds(1))))" }
}
