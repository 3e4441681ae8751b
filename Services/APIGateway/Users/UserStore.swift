import Contracts
import Foundation
import Postgres

/// Users in PostgreSQL, as admins change them.
struct UserStore: Sendable {
  let pool: PostgresPool

  /// What this replica knows of an admin may be some seconds old, and what they make outlives that.
  /// - Throws: `FORBIDDEN` for whoever is no active admin any more.
  func checkAdmin(_ actor: UserID) async throws {
    let found = try await pool.query(
      "SELECT 1 AS found FROM accounts.users WHERE id = \(actor.uuid) AND is_admin AND is_active")
    guard found.first != nil else { throw APIError(.forbidden, "This needs an admin") }
  }

  func user(_ id: UserID) async throws -> User? {
    try await pool.query(
      "SELECT \(unsafeRaw: User.columns) FROM accounts.users u WHERE u.id = \(id.uuid)"
    ).first.map(User.init)
  }

  /// Up to `limit` users behind a name, by name.
  func users(_ filter: UserFilter, after name: String?, limit: Int) async throws -> [User] {
    let text: PostgresQuery =
      filter.text.map { text in
        let spellings = PreparedUsername.spellings(of: text)
        return """
          AND EXISTS (
            SELECT FROM unnest(\(spellings)) AS part WHERE position(lower(part) in lower(u.username)) > 0)
          """
      } ?? ""
    let active: PostgresQuery = filter.isActive.map { "AND u.is_active = \($0)" } ?? ""
    let behind: PostgresQuery = name.map { "AND lower(u.username) > lower(\($0))" } ?? ""
    return try await pool.query(
      """
      SELECT \(unsafeRaw: User.columns) FROM accounts.users u WHERE true \(text) \(active) \(behind)
      ORDER BY lower(u.username) LIMIT \(limit)
      """
    ).map(User.init)
  }

  /// Of names that differ by their spelling alone there is one user, also of those from before names were prepared.
  /// - Throws: `CONFLICT`
  private static func check(
    free name: String, but id: UserID, _ connection: PostgresConnection
  ) async throws {
    let taken = try await connection.query(
      """
      SELECT 1 AS found FROM accounts.users
      WHERE lower(username) IN (SELECT lower(name) FROM unnest(\(PreparedUsername.spellings(of: name))) AS name)
        AND id <> \(id.uuid)
      """)
    guard taken.first == nil else { throw nameTaken }
  }

  /// - Throws: `CONFLICT` when there is a user of that name.
  func create(_ fields: UserFields, passwordHash: String?) async throws -> User {
    let id = UserID.timeOrdered()
    do {
      return try await pool.withTransaction { connection in
        if let name = fields.username.value { try await Self.check(free: name, but: id, connection) }
        try await connection.query(
          """
          INSERT INTO accounts.users (id, username, password_hash, password_changed_at, is_admin, is_active, weight,
            max_class, daily_limit, api_rate, providers)
          VALUES (\(id.uuid), \(fields.username.value), \(passwordHash),
            CASE WHEN \(passwordHash != nil) THEN sluice.clock() END, \(fields.isAdmin.value ?? false),
            \(fields.isActive.value ?? true), \(fields.weight.value ?? 1),
            \(fields.maxClass.value.flatMap { $0?.rawValue }), \(fields.dailyLimit.value.flatMap { $0 }),
            \(fields.apiRate.value.flatMap { $0 }), \(fields.providers.value.flatMap { $0 }))
          """)
        return try await Self.user(id, connection)
      }
    } catch let error as PostgresError where error.constraint == "users_username_key" {
      throw Self.nameTaken
    }
  }

  /// Changes what is given. Whoever is disabled or gets a new password has no session after it.
  /// - Throws: `NOT_FOUND`, `CONFLICT`, or `FORBIDDEN` by `AdminRule`.
  func change(_ id: UserID, _ fields: UserFields, passwordHash: String?, by actor: UserID) async throws -> User {
    do {
      return try await pool.withTransaction { connection in
        if fields.endsAdmin {
          let field = fields.isAdmin == .value(false) ? "is_admin" : "is_active"
          try await Self.check(removing: id, by: actor, field: field, connection)
        }
        if let name = fields.username.value { try await Self.check(free: name, but: id, connection) }
        let found = try await connection.query(
          "UPDATE accounts.users SET \(Self.assignments(fields, passwordHash)) WHERE id = \(id.uuid)")
        guard found.affected == 1 else { throw Self.none }
        if fields.password != .absent || fields.isActive == .value(false) {
          try await connection.query(
            """
            UPDATE accounts.sessions SET ended_at = sluice.clock() WHERE user_id = \(id.uuid) AND ended_at IS NULL
            """)
        }
        return try await Self.user(id, connection)
      }
    } catch let error as PostgresError where error.constraint == "users_username_key" {
      throw Self.nameTaken
    }
  }

  /// Deletes a user with their tokens and sessions. Their messages stay.
  /// - Throws: `NOT_FOUND`, `CONFLICT`, or `FORBIDDEN` by `AdminRule`.
  func delete(_ id: UserID, by actor: UserID) async throws -> User {
    try await pool.withTransaction { connection in
      try await Self.check(removing: id, by: actor, field: "id", connection)
      let user = try await Self.user(id, connection)
      try await connection.query("DELETE FROM accounts.users WHERE id = \(id.uuid)")
      return user
    }
  }

  /// Holds all active admins, so that of two who take each other away one comes too late.
  private static func check(
    removing id: UserID, by actor: UserID, field: String, _ connection: PostgresConnection
  ) async throws {
    let admins = try await connection.query(
      "SELECT id FROM accounts.users WHERE is_admin AND is_active ORDER BY id FOR UPDATE"
    ).map { UserID(try $0.decode("id", as: UUID.self)) }
    try AdminRule.check(removing: id, by: actor, admins: Set(admins), field: field)
  }

  private static func user(_ id: UserID, _ connection: PostgresConnection) async throws -> User {
    guard
      let row = try await connection.query(
        "SELECT \(unsafeRaw: User.columns) FROM accounts.users u WHERE u.id = \(id.uuid)"
      ).first
    else { throw none }
    return try User(row)
  }

  private static func assignments(_ fields: UserFields, _ passwordHash: String?) -> PostgresQuery {
    // There is always one more thing to set, which changes nothing.
    var all: PostgresQuery = "id = id"
    func set(_ assignment: PostgresQuery) { all = "\(all), \(assignment)" }
    if let username = fields.username.value { set("username = \(username)") }
    if fields.password != .absent { set("password_hash = \(passwordHash), password_changed_at = sluice.clock()") }
    if let isAdmin = fields.isAdmin.value { set("is_admin = \(isAdmin)") }
    if let isActive = fields.isActive.value { set("is_active = \(isActive)") }
    if let weight = fields.weight.value { set("weight = \(weight)") }
    if case .value(let maxClass) = fields.maxClass { set("max_class = \(maxClass?.rawValue)") }
    if case .value(let limit) = fields.dailyLimit { set("daily_limit = \(limit)") }
    if case .value(let rate) = fields.apiRate { set("api_rate = \(rate)") }
    if case .value(let providers) = fields.providers { set("providers = \(providers)") }
    return all
  }

  private static let none = APIError(.notFound, "No such user")
  private static let nameTaken = APIError(
    .conflict, "There is a user of that name", details: [.init("username", "taken", "Choose another name")])
}

/// Which users a list shows.
struct UserFilter: Sendable {
  /// Part of the name, in any case.
  var text: String?
  var isActive: Bool?
}
