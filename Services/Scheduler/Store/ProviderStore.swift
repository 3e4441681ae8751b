import Contracts
import Foundation
import Metering
import Postgres

/// Providers' settings in force and what was learnt about them: what admins override survives restarts.
struct ProviderStore: Sendable {
  var term: LeaderTerm

  /// The providers file's word on one provider.
  struct FileSettings: Sendable, Hashable {
    var name: String
    var limit: ProviderLimit
    var weight: Double
  }

  /// One provider as it is in force.
  struct Stored: Sendable {
    var limit: ProviderLimit
    var weight: Double
    /// The settings that override the file, by their names on the wire.
    var overridden: [String]
    var condition: ProviderState.Condition
  }

  /// Puts the file's settings in force, where no admin overrides them. A limit's version rises when it has changed.
  func load(_ settings: [FileSettings]) async throws -> [String: Stored] {
    try await term.transaction { connection, _ in
      var stored: [String: Stored] = [:]
      for setting in settings { stored[setting.name] = try await Self.putInForce(setting, connection) }
      return stored
    }
  }

  /// Overrides settings, or gives them back to the file.
  /// - Returns: What is in force now; `nil` for a command that has been carried out before.
  func set(
    _ command: ProviderSet, _ header: EnvelopeHeader, file: FileSettings,
    fact: @Sendable (Stored) -> ProvidersChanged.Entry
  ) async throws -> (stored: Stored, outbox: [OutboxEntry])? {
    try await term.transaction { connection, now in
      guard try await CommandStore.isNew(header.id, connection, now) else { return nil }
      if let rate = command.rate.stored {
        try await connection.query(
          "UPDATE scheduler.providers SET override_slots = \(rate) WHERE name = \(file.name)")
      }
      if let window = command.windowSeconds.stored {
        let milliseconds = window.map { max(1, Int(($0 * 1000).rounded())) }
        try await connection.query(
          "UPDATE scheduler.providers SET override_window_ms = \(milliseconds) WHERE name = \(file.name)")
      }
      if let weight = command.weight.stored {
        try await connection.query(
          "UPDATE scheduler.providers SET override_weight = \(weight) WHERE name = \(file.name)")
      }
      if let isPaused = command.isPaused.stored {
        try await connection.query(
          """
          UPDATE scheduler.providers
          SET override_paused = \(isPaused), has_refused_credentials = has_refused_credentials AND \(isPaused == true)
          WHERE name = \(file.name)
          """)
      }
      let stored = try await Self.putInForce(file, connection)
      var facts = Outbox.Draft()
      try facts.add(ProvidersChanged(providers: [fact(stored)]), at: now)
      try facts.add(
        CommandAnswered(commandID: header.id, command: header.type, result: .done), at: now,
        requestID: header.requestID)
      return (stored, try await Outbox.insert(facts, connection))
    }
  }

  /// Stores what was learnt about providers.
  func save(_ conditions: [(name: String, condition: ProviderState.Condition)]) async throws {
    guard !conditions.isEmpty else { return }
    let values = conditions.map(\.condition)
    _ = try await term.transaction { connection, _ in
      try await connection.query(
        """
        UPDATE scheduler.providers p
        SET has_refused_credentials = c.has_refused, halved_rate = c.halved_rate, halved_at = c.halved_at,
            unhealthy_until_at = c.unhealthy_until_at, sent = c.sent
        FROM unnest(
            \(conditions.map(\.name)), \(values.map { $0.pause == .credentials }), \(values.map { $0.halving?.rate }),
            \(values.map { $0.halving.map { Timestamp(seconds: $0.at).date } }),
            \(values.map { $0.unhealthyUntil.map { Timestamp(seconds: $0).date } }), \(values.map(\.sent)))
          AS c(name, has_refused, halved_rate, halved_at, unhealthy_until_at, sent)
        WHERE p.name = c.name
        """)
    }
  }

  /// Answers a command that needs nothing of its own in the store.
  /// - Returns: `nil` for a command that has been carried out before.
  func answer(_ answer: CommandAnswered, requestID: String?) async throws -> [OutboxEntry]? {
    try await term.transaction { connection, now in
      guard try await CommandStore.isNew(answer.commandID, connection, now) else { return nil }
      var facts = Outbox.Draft()
      try facts.add(answer, at: now, requestID: requestID)
      return try await Outbox.insert(facts, connection)
    }
  }

  // MARK: The switch

  /// Whether anything is sent at all.
  func isSending() async throws -> Bool {
    try await term.transaction { connection, _ in
      try await connection.query("SELECT is_on FROM scheduler.sending").first?.decode("is_on") ?? true
    }
  }

  /// Turns all sending off or on.
  /// - Returns: `nil` for a command that has been carried out before.
  func setSending(_ isOn: Bool, _ header: EnvelopeHeader, inFlight: Int) async throws -> [OutboxEntry]? {
    try await term.transaction { connection, now in
      guard try await CommandStore.isNew(header.id, connection, now) else { return nil }
      try await connection.query("UPDATE scheduler.sending SET is_on = \(isOn)")
      var counts = UnitCounts()
      counts.sending = inFlight
      var facts = Outbox.Draft()
      try facts.add(
        CommandAnswered(commandID: header.id, command: header.type, result: .done, counts: counts), at: now,
        requestID: header.requestID)
      return try await Outbox.insert(facts, connection)
    }
  }

  // MARK: Inside

  private static func putInForce(_ file: FileSettings, _ connection: PostgresConnection) async throws -> Stored {
    let row = try await connection.query(
      """
      INSERT INTO scheduler.providers AS p (name, slots, window_ms, pacing)
      VALUES (\(file.name), \(file.limit.count), \(file.limit.windowMilliseconds), \(file.limit.pacing.rawValue))
      ON CONFLICT (name) DO UPDATE
      SET slots = coalesce(p.override_slots, excluded.slots),
          window_ms = coalesce(p.override_window_ms, excluded.window_ms), pacing = excluded.pacing,
          settings_version = p.settings_version + ((p.slots, p.window_ms, p.pacing) IS DISTINCT FROM (
            coalesce(p.override_slots, excluded.slots), coalesce(p.override_window_ms, excluded.window_ms),
            excluded.pacing))::int
      RETURNING *
      """
    ).first
    guard let row else { throw StoreError.outOfStep }
    return try Stored(row, file: file)
  }
}

extension ProviderStore.Stored {
  fileprivate init(_ row: PostgresRow, file: ProviderStore.FileSettings) throws {
    let weight: Double? = try row.decode("override_weight")
    let isPaused: Bool? = try row.decode("override_paused")
    limit = ProviderLimit(
      count: try row.decode("slots"), windowMilliseconds: try row.decode("window_ms"), pacing: file.limit.pacing,
      version: try row.decode("settings_version"))
    self.weight = weight ?? file.weight
    var names: [String] = []
    if try row.decode("override_slots", as: Int?.self) != nil { names.append("rate") }
    if try row.decode("override_window_ms", as: Int?.self) != nil { names.append("window_s") }
    if weight != nil { names.append("weight") }
    if isPaused != nil { names.append("paused") }
    overridden = names
    condition = ProviderState.Condition()
    if isPaused == true {
      condition.pause = .admin
    } else if try row.decode("has_refused_credentials") {
      condition.pause = .credentials
    }
    if let rate = try row.decode("halved_rate", as: Double?.self),
      let at = try row.decode("halved_at", as: Date?.self)
    {
      condition.halving = AdaptiveRate.Halving(rate: rate, at: Timestamp(at).seconds)
    }
    condition.unhealthyUntil = try row.decode("unhealthy_until_at", as: Date?.self).map { Timestamp($0).seconds }
    condition.sent = try row.decode("sent")
  }
}

extension SettingChange {
  /// The value to be stored, if it changes: `nil` in it stands for the file's.
  fileprivate var stored: Value?? {
    switch self {
    case .unchanged: .none
    case .file: .some(nil)
    case .value(let value): .some(value)
    }
  }
}
