import Yams

/// All that the panel says, in one language. The catalogues lie in `Resources/Panel/text.LANGUAGE.yaml`.
struct PanelText: Sendable {
  let language: PanelLanguage
  /// For templates: `{{t.send}}`.
  let strings: [String: String]

  init(_ language: PanelLanguage, strings: [String: String]) {
    self.language = language
    self.strings = strings
  }

  /// - Throws: When the catalogue is missing or is no list of texts.
  init(_ language: PanelLanguage) throws {
    self.init(
      language,
      strings: try YAMLDecoder().decode(
        [String: String].self, from: GatewayResources.text("text.\(language.rawValue).yaml")))
  }

  /// - Parameter values: What stands for `{name}` in the text.
  /// - Returns: The name itself when there is no such text.
  func callAsFunction(_ name: String, _ values: [String: String] = [:]) -> String {
    var text = strings[name] ?? name
    for (name, value) in values { text = text.replacing("{\(name)}", with: value) }
    return text
  }

  /// A text that may be missing.
  func known(_ name: String) -> String? { strings[name] }

  /// One of two texts, `NAME_one` for 1 and `NAME` for all other numbers, with `{n}` grouped by thousands.
  func count(_ name: String, _ number: Int) -> String {
    let form = number == 1 && strings["\(name)_one"] != nil ? "\(name)_one" : name
    return self(form, ["n": Self.grouped(number)])
  }

  /// `12,345`
  static func grouped(_ number: Int) -> String {
    let digits = String(number.magnitude)
    let groups = digits.reversed().enumerated().map { place, digit in
      place > 0 && place.isMultiple(of: 3) ? "\(digit)," : "\(digit)"
    }
    return (number < 0 ? "-" : "") + groups.reversed().joined()
  }
}
