import Contracts
import Foundation
import Postgres

/// A user of a stack, and the gateway as they see it.
public struct StackUser: Sendable {
  public var id: UserID
  public var name: String
  public var gateway: JSONClient
}

extension Stack {
  /// Creates users with a token each, and returns when the gateway knows them.
  public func makeUsers(_ names: [String], weight: Double = 1) async throws -> [StackUser] {
    let tokens = names.map { _ in "slc_\(UUID().uuidString)" }
    let users = zip(names, tokens).map { name, token in
      StackUser(id: .timeOrdered(), name: name, gateway: JSONClient(base: url).with(token: token))
    }
    try await query(
      """
      WITH made AS (SELECT * FROM unnest(\(users.map(\.id.uuid)), \(names), \(tokens)) AS m(id, name, token)),
      added AS (
        INSERT INTO accounts.users (id, username, weight) SELECT id, name, \(weight) FROM made RETURNING id)
      INSERT INTO accounts.tokens (id, user_id, name, token_hash)
      SELECT gen_random_uuid(), id, 'test', sha256(convert_to(token, 'UTF8')) FROM made JOIN added USING (id)
      """)
    // The gateway reads new tokens every 2 s, all in one go.
    if let last = users.last {
      try await eventually(within: .seconds(10), "the gateway knows the new users") {
        try await last.gateway.get("/api/sms?limit=1").status == 200
      }
    }
    return users
  }

  /// Creates one user.
  public func makeUser(_ name: String, weight: Double = 1) async throws -> StackUser {
    let users = try await makeUsers([name], weight: weight)
    return users[0]
  }
}
