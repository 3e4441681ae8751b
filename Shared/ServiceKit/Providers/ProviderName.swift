import Foundation

/// A provider's name is also a route, a queue and a metric label, so not every text can be one.
public enum ProviderName {
  /// Names that the HTTP API or the panel uses for something else.
  public static let reserved: Set<String> = [
    "send", "send-bulk", "estimate", "requests", "request", "providers", "provider", "health", "rate-limits",
    "distribution-stats", "queue", "status", "recipients", "messages", "message", "cancel", "pause", "resume",
    "retry-failed", "reset", "preview", "stats", "statistics", "metrics", "events", "admin", "auth", "live", "ready",
    "all", "global", "none", "null",
  ]

  /// What is wrong with a name; `nil` when it can be used.
  public static func problem(_ name: String) -> String? {
    if name.wholeMatch(of: /[a-z0-9-]+/) == nil { return "must consist of a-z, 0-9 and -" }
    if name.utf8.count > 64 { return "must have at most 64 characters" }
    if reserved.contains(name) { return "is the name of a route" }
    if UUID(uuidString: name) != nil { return "must not be a UUID" }
    return nil
  }
}
