import Contracts

/// What a body says about many letters.
struct BulkLetterDraft: Sendable, Equatable {
  var action: LetterAction
  var selection: LetterSelection
  var options = ReplayOptions()
  /// Only asks what would be done.
  var isDryRun = false
  var reason: String?

  private static let names: Set<String> = ["ids", "filter", "limit", "dry_run", "reason"]

  /// - Throws: `APIError` that names every field concerned.
  static func decode(
    _ bytes: [UInt8], _ kind: LetterActionDraft.Kind, now: Timestamp, isProvider: (String) -> Bool
  ) throws -> BulkLetterDraft {
    let own: Set<String> =
      switch kind {
      case .replay: ReplayOptions.names.union(["all"])
      case .abandon: []
      case .settle: ["as"]
      }
    var reader = try MemberReader(bytes, allowing: names.union(own))
    let selection = reader.selection()
    let isDryRun = reader.optional("dry_run") { $0.bool("dry_run", $1) }.value ?? nil
    let reason = reader.reason()
    var options = ReplayOptions()
    let action: LetterAction
    switch kind {
    case .replay:
      options = reader.replayOptions(now: now, isProvider: isProvider)
      reader.requireAll(unless: isDryRun == true)
      action = .replay
    case .abandon: action = .abandon
    case .settle: action = .settle(reader.verdict() ?? .failed)
    }
    try reader.check()
    return BulkLetterDraft(
      action: action, selection: selection, options: options, isDryRun: isDryRun ?? false, reason: reason)
  }

  /// The command that does it.
  func command(actor: LetterActor) -> any Payload {
    action.command(for: selection, options, actor: actor)
  }
}
