/// Where in a provider's answer a text stands.
public enum ReplyPlace: Sendable, Hashable {
  /// An element or an attribute of XML.
  case xml(ReplyPath)
  /// A value of JSON.
  case json(ReplyPath)
}

/// The names on the way to a value.
public struct ReplyPath: Sendable, Hashable {
  public var components: [String]
  /// Whether the first name is the root's. Else the path may begin anywhere; JSON's always begin at the root.
  public var isAbsolute: Bool

  public init(components: [String], isAbsolute: Bool = false) {
    self.components = components
    self.isAbsolute = isAbsolute
  }

  /// Reads `status`, `response/status`, `/response/result/@code`.
  public init?(xml text: String) {
    let isAbsolute = text.hasPrefix("/")
    let names = text.dropFirst(isAbsolute ? 1 : 0).split(separator: "/", omittingEmptySubsequences: false)
    guard names.dropLast().allSatisfy({ !$0.hasPrefix("@") && !$0.isEmpty }), let last = names.last,
      !last.isEmpty, last != "@", !names.contains(where: { $0.contains(" ") })
    else { return nil }
    self.init(components: names.map(String.init), isAbsolute: isAbsolute)
  }

  /// Reads `status`, `error.code`, `results[0].status` or `results.0.status`, with or without a `$.` before it.
  public init?(json text: String) {
    let plain = text.replacing("[", with: ".").replacing("]", with: "")
    let names = (plain.hasPrefix("$.") ? plain.dropFirst(2) : plain[...])
      .split(separator: ".", omittingEmptySubsequences: false)
    guard !names.isEmpty, !names.contains("") else { return nil }
    self.init(components: names.map(String.init), isAbsolute: true)
  }
}
