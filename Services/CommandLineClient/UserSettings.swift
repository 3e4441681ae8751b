import ArgumentParser
import JSONHTTP

/// What an admin sets of a user.
struct UserSettings: ParsableArguments {
  @Option(help: ArgumentHelp("Whether they are an admin.", valueName: "true|false")) var admin: Bool?
  @Option(help: ArgumentHelp("Whether they may come in.", valueName: "true|false")) var active: Bool?
  @Option(help: "Their share of a class.") var weight: Double?
  @Option(help: ArgumentHelp("The most urgent class they may use, or none.", valueName: "class")) var maxClass: String?
  @Option(help: ArgumentHelp("SMS a day, or none.", valueName: "count")) var dailyLimit: String?
  @Option(help: ArgumentHelp("Requests a second, or none.", valueName: "count")) var apiRate: String?
  @Option(help: ArgumentHelp("The only providers for them, separated by commas, or none for all.", valueName: "names"))
  var providers: String?

  /// The members of a request that were given.
  func body() throws -> [String: JSONValue] {
    var body: [String: JSONValue] = [:]
    body["is_admin"] = admin.map { .bool($0) }
    body["is_active"] = active.map { .bool($0) }
    body["weight"] = weight.map { .number($0) }
    body["max_class"] = maxClass.map { $0 == "none" ? .null : .string($0) }
    body["daily_limit"] = try dailyLimit.map { try Self.count($0, "--daily-limit") }
    body["api_rate"] = try apiRate.map { try Self.count($0, "--api-rate") }
    body["providers"] = providers.map { text in
      text == "none" ? .null : .array(text.split(separator: ",").map { .string(String($0)) })
    }
    return body
  }

  private static func count(_ text: String, _ name: String) throws -> JSONValue {
    if text == "none" { return .null }
    guard let count = Int(text) else { throw ValidationError("\(name) must be a whole number or none") }
    return .number(Double(count))
  }
}
