import Contracts

/// What a body says of a user: each member is given or absent.
struct UserFields: Sendable, Equatable {
  /// Whether a member was given; a `nil` value is a `null`.
  enum Given<Value: Sendable & Equatable>: Sendable, Equatable {
    case absent
    case value(Value)

    var value: Value? {
      switch self {
      case .absent: nil
      case .value(let value): value
      }
    }
  }

  var username = Given<String>.absent
  /// In clear, as long as the request lasts; `null` is no login by password.
  var password = Given<String?>.absent
  var isAdmin = Given<Bool>.absent
  var isActive = Given<Bool>.absent
  var weight = Given<Double>.absent
  var maxClass = Given<MessageClass?>.absent
  var dailyLimit = Given<Int?>.absent
  var apiRate = Given<Int?>.absent
  var providers = Given<[String]?>.absent

  /// True for a change after which the user may do less than an admin who can act.
  var endsAdmin: Bool { isAdmin == .value(false) || isActive == .value(false) }
}

extension UserFields {
  /// What the audit keeps of it.
  /// - Parameter user: As the user is before the change.
  func note(in note: AuditNote?, changing user: User? = nil) {
    guard let note else { return }
    if let user { note.add("was", .object(before(user))) }
    if let username = username.value { note.add("username", .string(username)) }
    if password != .absent { note.add("password", .string("changed")) }
    if let isAdmin = isAdmin.value { note.add("is_admin", .bool(isAdmin)) }
    if let isActive = isActive.value { note.add("is_active", .bool(isActive)) }
    if let weight = weight.value { note.add("weight", .number(weight)) }
    if case .value(let maxClass) = maxClass { note.add("max_class", maxClass.map { .string($0.rawValue) } ?? .null) }
    if case .value(let limit) = dailyLimit { note.add("daily_limit", limit.map { .number(Double($0)) } ?? .null) }
    if case .value(let rate) = apiRate { note.add("api_rate", rate.map { .number(Double($0)) } ?? .null) }
    if case .value(let names) = providers {
      note.add("providers", names.map { .array($0.map { .string($0) }) } ?? .null)
    }
  }

  /// The members that are given, as they are now.
  private func before(_ user: User) -> [JSONMember] {
    let limits = user.limits
    let all: [(name: String, isGiven: Bool, value: JSONValue)] = [
      ("username", username != .absent, .string(user.username)),
      ("is_admin", isAdmin != .absent, .bool(user.isAdmin)), ("is_active", isActive != .absent, .bool(user.isActive)),
      ("weight", weight != .absent, .number(user.weight)),
      ("max_class", maxClass != .absent, limits.maxClass.map { .string($0.rawValue) } ?? .null),
      ("daily_limit", dailyLimit != .absent, limits.dailyLimit.map { .number(Double($0)) } ?? .null),
      ("api_rate", apiRate != .absent, limits.requestRate.map { .number(Double($0)) } ?? .null),
      ("providers", providers != .absent, limits.providers.map { .array($0.sorted().map { .string($0) }) } ?? .null),
    ]
    return all.filter(\.isGiven).map { JSONMember(name: $0.name, value: $0.value) }
  }
}
