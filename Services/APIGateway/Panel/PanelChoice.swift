import Contracts

/// A choice of a select element, or a box to tick.
struct PanelChoice: Sendable {
  var value: String
  var label: String
  var isChosen: Bool

  /// Names that are their own labels.
  static func names(_ names: [String], chosen: Set<String> = []) -> [PanelChoice] {
    names.map { PanelChoice(value: $0, label: $0, isChosen: chosen.contains($0)) }
  }

  /// Names with labels `PREFIX_NAME` of the catalogue.
  static func labelled(_ names: [String], _ prefix: String, _ text: PanelText, chosen: String?) -> [PanelChoice] {
    names.map { PanelChoice(value: $0, label: text("\(prefix)_\($0)"), isChosen: $0 == chosen) }
  }

  /// The classes of messages.
  static func classes(_ text: PanelText, chosen: String?) -> [PanelChoice] {
    labelled(MessageClass.allCases.map(\.rawValue), "class", text, chosen: chosen)
  }
}
