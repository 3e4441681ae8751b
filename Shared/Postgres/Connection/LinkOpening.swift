import BlockingIO
import CPostgres
import Glibc

extension Link {
  /// Connects to the first host that takes us, blocking the calling thread.
  /// - Throws: `PostgresError` with `.connection`, or `.cancelled`.
  static func open(
    _ configuration: PostgresConfiguration, wakeup: EventDescriptor, interruption: Interruption
  ) throws -> Link {
    var failure = PostgresError(.connection, "no host is configured")
    for host in configuration.hosts {
      let rule = StopRule(deadline: .now + configuration.connectTimeout, interruption: interruption)
      do {
        return try open(host.with(configuration), rule: rule, wakeup: wakeup)
      } catch let error as PostgresError {
        guard error.code == .connection else { throw error }
        failure = error
      }
    }
    throw failure
  }

  private static func open(
    _ parameters: ConnectionParameters, rule: StopRule, wakeup: EventDescriptor
  ) throws -> Link {
    guard let handle = start(parameters) else { throw PostgresError(.connection, "out of memory") }
    var progress = PGRES_POLLING_WRITING
    while PQstatus(handle) != CONNECTION_BAD {
      switch progress {
      case PGRES_POLLING_OK:
        return Link(established: handle, wakeup: wakeup)
      case PGRES_POLLING_FAILED:
        throw failure(of: handle)
      case _:
        var entries = [
          PollEntry(
            fileDescriptor: PQsocket(handle), interest: progress == PGRES_POLLING_READING ? .readable : .writable),
          PollEntry(fileDescriptor: wakeup.fileDescriptor, interest: .readable),
        ]
        poll(&entries, until: rule.deadline)
        if entries[1].isReady { wakeup.drain() }
        switch rule.cause {
        case .cancelled:
          PQfinish(handle)
          throw PostgresError(.cancelled, "cancelled while connecting")
        case .deadline where !entries[0].isReady:
          PQfinish(handle)
          throw PostgresError(.connection, "the server did not answer in time")
        case .deadline, nil:
          if entries[0].isReady { progress = PQconnectPoll(handle) }
        }
      }
    }
    throw failure(of: handle)
  }

  /// Resolves the name and starts to connect. The resolver has its own time limits, which a program cannot set.
  private static func start(_ parameters: ConnectionParameters) -> OpaquePointer? {
    var keywords: [UnsafeMutablePointer<CChar>?] = []
    var values: [UnsafeMutablePointer<CChar>?] = []
    for (keyword, value) in parameters.values {
      keywords.append(strdup(keyword))
      values.append(strdup(value))
    }
    defer { for text in keywords + values { free(text) } }
    let terminatedKeywords = keywords.map { UnsafePointer($0) } + [nil]
    let terminatedValues = values.map { UnsafePointer($0) } + [nil]
    return PQconnectStartParams(terminatedKeywords, terminatedValues, 0)
  }

  /// Ends the attempt. libpq's message names host, user and database, never the password.
  private static func failure(of handle: OpaquePointer) -> PostgresError {
    let text = ResultReader.string(PQerrorMessage(handle)) ?? ""
    PQfinish(handle)
    let message = text.split(whereSeparator: \.isNewline).joined(separator: " ")
    return PostgresError(.connection, message.isEmpty ? "the server refused the connection" : message)
  }
}
