import Foundation

/// What the tests were started with.
enum Environment {
  static func isSet(_ name: String) -> Bool {
    !(ProcessInfo.processInfo.environment[name] ?? "").isEmpty
  }
}
