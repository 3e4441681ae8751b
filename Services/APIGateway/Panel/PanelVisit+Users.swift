import Contracts
import Hummingbird

extension PanelVisit {
  /// A search whose `user` may be a name: people know users by their names, the API by their ids.
  /// - Returns: The fields with the user's id as `user_id` and their name as `user`.
  /// - Throws: `APIError` that names `user` when there is none of that name.
  func naming(_ fields: PanelForm) async throws -> PanelForm {
    if let name = fields.trimmed("user") {
      if UserID(name) != nil { return try await naming(fields.setting("user_id", name).setting("user", nil)) }
      guard let id = try await userID(named: name) else {
        throw APIError.invalidField("user", "no_such_user", "There is no user of this name")
      }
      return fields.setting("user_id", id)
    }
    guard let id = fields.trimmed("user_id") else { return fields }
    // Who was deleted has no name any more, and messages all the same.
    let user = try? await get("/api/admin/users/\(PanelURL.escaped(id))")
    return fields.setting("user", user?["username"]?.text ?? id)
  }

  private func userID(named name: String) async throws -> String? {
    let users = try await get("/api/admin/users", [("q", name), ("limit", "200")])["users"]?.elements ?? []
    let same = users.first { $0["username"]?.text == name }
    let wanted = PreparedUsername.compared(name)
    return (same ?? users.first { PreparedUsername.compared($0["username"]?.text ?? "") == wanted })?["id"]?.text
  }
}
