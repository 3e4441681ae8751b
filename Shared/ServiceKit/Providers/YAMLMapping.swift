import Yams

/// One mapping of a YAML file, read key by key; what is wrong is noted under the key's path.
///
/// A key that nobody read is unknown: call `finish()` when done. A null is as good as a missing key.
final class YAMLMapping {
  let path: String
  private let values: [String: Node]
  private var unread: [String]
  private let references: ValueReference
  private let problems: FileProblems

  init(_ node: Node, path: String, references: ValueReference, problems: FileProblems) {
    self.path = path
    self.references = references
    self.problems = problems
    var values: [String: Node] = [:]
    var names: [String] = []
    if let mapping = node.mapping {
      for (key, value) in mapping {
        let name = key.scalar?.string ?? "?"
        names.append(name)
        values[name] = value
      }
    } else if !node.isNothing {
      problems.note(path.isEmpty ? "file" : path, "must be a mapping of keys to values")
    }
    self.values = values
    unread = names
  }

  /// Notes every key that was not read.
  func finish() {
    for key in unread { note(key, "is not a known key") }
  }

  func note(_ key: String, _ message: String) { problems.note(pathOf(key), message) }

  func has(_ key: String) -> Bool { values[key].map { !$0.isNothing } ?? false }

  /// Whether the key is there with a null.
  func isNull(_ key: String) -> Bool { values[key]?.isNothing ?? false }

  /// Text with its references resolved.
  func string(_ key: String) -> String? {
    guard let node = take(key) else { return nil }
    guard let text = node.scalar?.string else {
      note(key, "must be a single value")
      return nil
    }
    do {
      return try references.resolve(text)
    } catch {
      note(key, "\(error)")
      return nil
    }
  }

  func requiredString(_ key: String) -> String {
    if !has(key) { note(key, "is missing") }
    return string(key) ?? ""
  }

  func int(_ key: String, default standard: Int, in range: ClosedRange<Int>) -> Int {
    value(key, "must be a whole number from \(range.lowerBound) to \(range.upperBound)") {
      Int($0).flatMap { range.contains($0) ? $0 : nil }
    } ?? standard
  }

  func bool(_ key: String, default standard: Bool) -> Bool {
    value(key, "must be true or false") { ["true": true, "false": false][$0.lowercased()] } ?? standard
  }

  /// - Parameter isValid: Told about finite numbers only.
  func double(_ key: String, default standard: Double, _ rule: String, isValid: (Double) -> Bool) -> Double {
    value(key, "must be \(rule)") { Double($0).flatMap { $0.isFinite && isValid($0) ? $0 : nil } } ?? standard
  }

  func choice<Value: RawRepresentable & CaseIterable>(_ key: String, default standard: Value) -> Value
  where Value.RawValue == String {
    choice(key, among: Array(Value.allCases), default: standard)
  }

  func choice<Value: RawRepresentable>(_ key: String, among values: [Value], default standard: Value) -> Value
  where Value.RawValue == String {
    value(key, "must be one of \(values.map(\.rawValue).joined(separator: ", "))") { text in
      values.first { $0.rawValue == text }
    } ?? standard
  }

  /// The mapping under this key; an empty one when it is missing.
  func mapping(_ key: String) -> YAMLMapping {
    let node = take(key) ?? Node([] as [(Node, Node)])
    return YAMLMapping(node, path: pathOf(key), references: references, problems: problems)
  }

  /// The mappings of the list under this key.
  func mappings(_ key: String) -> [YAMLMapping] {
    guard let node = take(key), !node.isNothing else { return [] }
    guard let sequence = node.sequence else {
      note(key, "must be a list")
      return []
    }
    return sequence.enumerated().map { index, node in
      YAMLMapping(node, path: "\(pathOf(key))[\(index)]", references: references, problems: problems)
    }
  }

  private func value<Value>(_ key: String, _ message: String, _ parse: (String) -> Value?) -> Value? {
    guard has(key), let text = string(key) else {
      _ = take(key)
      return nil
    }
    guard let value = parse(text) else {
      note(key, message)
      return nil
    }
    return value
  }

  private func take(_ key: String) -> Node? {
    unread.removeAll { $0 == key }
    guard let node = values[key], !node.isNothing else { return nil }
    return node
  }

  private func pathOf(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }
}

extension Node {
  /// Null or empty.
  fileprivate var isNothing: Bool {
    guard let scalar else { return false }
    return scalar.style == .plain && ["", "~", "null", "Null", "NULL"].contains(scalar.string)
  }
}
