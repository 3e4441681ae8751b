import Contracts

/// Who may be taken away from administration: never oneself, never the last one.
enum AdminRule {
  /// - Parameters:
  ///   - subject: Who is deleted, disabled, or an admin no more.
  ///   - actor: Who asks for it.
  ///   - admins: All active admins now, held so that nobody changes them meanwhile.
  ///   - field: What is named in the error.
  /// - Throws: `FORBIDDEN` when the actor is no admin any more, or `CONFLICT`.
  static func check(removing subject: UserID, by actor: UserID, admins: Set<UserID>, field: String) throws {
    guard admins.contains(actor) else { throw APIError(.forbidden, "This needs an admin") }
    if subject == actor {
      throw APIError(
        .conflict, "Nobody takes their own account away",
        details: [.init(field, "self", "Another admin has to do this")])
    }
    if admins.contains(subject), admins.count == 1 {
      throw APIError(
        .conflict, "The last admin must stay", details: [.init(field, "last_admin", "Make another admin first")])
    }
  }
}
