import Foundation
import ServiceKit

/// A provider's answer as JSON.
indirect enum JSONReply: Decodable, Sendable {
  case object([String: JSONReply])
  case list([JSONReply])
  /// A string, a number or a truth value, as text.
  case value(String)
  case null

  /// - Returns: `nil` when the text is no JSON.
  init?(_ text: String) {
    // A text that cannot be parsed is exactly what is asked about.
    guard let reply = try? JSONDecoder().decode(JSONReply.self, from: Data(text.utf8)) else { return nil }
    self = reply
  }

  init(from decoder: any Decoder) throws {
    if let object = try? [String: JSONReply](from: decoder) {
      self = .object(object)
      return
    }
    if let list = try? [JSONReply](from: decoder) {
      self = .list(list)
      return
    }
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let text = try? container.decode(String.self) {
      self = .value(text)
    } else if let truth = try? container.decode(Bool.self) {
      self = .value(truth ? "true" : "false")
    } else if let number = try? container.decode(Int64.self) {
      self = .value(String(number))
    } else {
      self = .value(String(try container.decode(Double.self)))
    }
  }

  var isObject: Bool { if case .object = self { true } else { false } }

  /// The text at a path; a number picks one of a list. An object or a list there counts as an empty text.
  func texts(at path: ReplyPath) -> [String] {
    var place = self
    for component in path.components {
      switch place {
      case .object(let members):
        guard let member = members[component] else { return [] }
        place = member
      case .list(let entries):
        guard let index = Int(component), entries.indices.contains(index) else { return [] }
        place = entries[index]
      case .value, .null: return []
      }
    }
    return switch place {
    case .value(let text): [text]
    case .object, .list: [""]
    case .null: []
    }
  }
}
