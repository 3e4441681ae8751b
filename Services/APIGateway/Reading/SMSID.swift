import Contracts

/// The name of one SMS in paths and lists: its message's id and its index, with a point between.
enum SMSID {
  static func text(of unit: UnitID) -> String { "\(unit.messageID).\(unit.index)" }

  /// Reads one; a message's id alone names its first SMS. `nil` for anything else.
  static func read(_ text: String) -> UnitID? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard let id = parts.first.flatMap({ MessageID(String($0)) }) else { return nil }
    guard parts.count > 1 else { return UnitID(messageID: id, index: 0) }
    guard parts.count == 2, let index = Int(parts[1]), (0...Int(Int32.max)).contains(index), parts[1] == "\(index)"
    else { return nil }
    return UnitID(messageID: id, index: index)
  }
}
