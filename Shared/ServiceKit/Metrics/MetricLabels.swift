/// A series' labels, in the order of their names, as Prometheus writes them.
struct MetricLabels: Hashable, Comparable, Sendable {
  /// `{provider="hkt",outcome="sent"}`, or empty.
  let text: String
  private let pairs: String

  init(_ dimensions: [(String, String)]) {
    pairs = dimensions.sorted { $0.0 < $1.0 }.map { "\(Self.name($0.0))=\"\(Self.escape($0.1))\"" }
      .joined(separator: ",")
    text = pairs.isEmpty ? "" : "{\(pairs)}"
  }

  /// The same with a bucket's upper bound.
  func with(bound: String) -> String { pairs.isEmpty ? "{le=\"\(bound)\"}" : "{\(pairs),le=\"\(bound)\"}" }

  static func < (left: Self, right: Self) -> Bool { left.text < right.text }

  /// The text format's escapes: backslash, quote, line feed.
  private static func escape(_ value: String) -> String {
    value.unicodeScalars.reduce(into: "") { text, scalar in
      switch scalar {
      case "\\": text += "\\\\"
      case "\"": text += "\\\""
      case "\n": text += "\\n"
      default: text.unicodeScalars.append(scalar)
      }
    }
  }

  private static func name(_ text: String) -> String { MetricName.sanitize(text, allowsColon: false) }
}

/// Names as Prometheus allows them.
enum MetricName {
  /// Every other character becomes an underscore.
  static func sanitize(_ text: String, allowsColon: Bool = true) -> String {
    var name = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "a"..."z", "A"..."Z", "_": name.unicodeScalars.append(scalar)
      case "0"..."9" where !name.isEmpty: name.unicodeScalars.append(scalar)
      case ":" where allowsColon: name.unicodeScalars.append(scalar)
      default: name += "_"
      }
    }
    return name.isEmpty ? "_" : name
  }
}

/// Numbers as Prometheus reads them.
enum MetricNumber {
  static func text(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
    return value.rounded() == value && value.magnitude < 1e15 ? String(Int64(value)) : "\(value)"
  }
}
