import FoundationEssentials

/// Any JSON value.
enum JSONValue: Decodable, Sendable, Equatable {
  case null
  case bool(Bool)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object([String: JSONValue])

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {  // `try?`: it is another kind of value then
      self = .bool(value)
    } else if let value = try? container.decode(Double.self) {  // as above
      self = .number(value)
    } else if let value = try? container.decode(String.self) {  // as above
      self = .string(value)
    } else if let value = try? container.decode([JSONValue].self) {  // as above
      self = .array(value)
    } else {
      self = .object(try container.decode([String: JSONValue].self))
    }
  }
}

/// A JSON object from outside, whose readers name the field that is wrong. A `null` field is an absent one.
struct JSONObject: Sendable {
  private let path: String
  private let fields: [String: JSONValue]

  /// Parses a body; an empty one is an empty object.
  init(_ body: [UInt8]) throws(FieldError) {
    path = ""
    guard !body.isEmpty else {
      fields = [:]
      return
    }
    // `try?`: the parser's own message would be about positions, the caller needs only that it is no JSON.
    guard let value = try? JSONDecoder().decode(JSONValue.self, from: Data(body)) else {
      throw FieldError("", "is not valid JSON")
    }
    guard case .object(let fields) = value else { throw FieldError("", "is not a JSON object") }
    self.fields = fields
  }

  private init(path: String, fields: [String: JSONValue]) {
    self.path = path
    self.fields = fields
  }

  /// The full path of one of the object's fields.
  func name(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

  func rejectUnknown(besides known: Set<String>) throws(FieldError) {
    if let key = fields.keys.sorted().first(where: { !known.contains($0) }) {
      throw FieldError(name(key), "is unknown")
    }
  }

  func string(_ key: String) throws(FieldError) -> String? {
    switch fields[key] {
    case nil, .null: return nil
    case .string(let value): return value
    case .bool, .number, .array, .object: throw FieldError(name(key), "must be a string")
    }
  }

  func bool(_ key: String) throws(FieldError) -> Bool? {
    switch fields[key] {
    case nil, .null: return nil
    case .bool(let value): return value
    case .string, .number, .array, .object: throw FieldError(name(key), "must be true or false")
    }
  }

  func number(_ key: String, in range: ClosedRange<Double>) throws(FieldError) -> Double? {
    switch fields[key] {
    case nil, .null: return nil
    case .number(let value) where range.contains(value): return value
    case .number, .bool, .string, .array, .object:
      throw FieldError(name(key), "must be a number from \(range.lowerBound) to \(range.upperBound)")
    }
  }

  func integer(_ key: String, in range: ClosedRange<Int>) throws(FieldError) -> Int? {
    switch fields[key] {
    case nil, .null: return nil
    case .number(let value):
      if let whole = Int(exactly: value), range.contains(whole) { return whole }
    case .bool, .string, .array, .object: break
    }
    throw FieldError(name(key), "must be a whole number from \(range.lowerBound) to \(range.upperBound)")
  }

  func objects(_ key: String) throws(FieldError) -> [JSONObject]? {
    let elements: [JSONValue]
    switch fields[key] {
    case nil, .null: return nil
    case .array(let values): elements = values
    case .bool, .number, .string, .object: throw FieldError(name(key), "must be an array")
    }
    var objects: [JSONObject] = []
    for (index, element) in elements.enumerated() {
      let path = "\(name(key))[\(index)]"
      guard case .object(let fields) = element else { throw FieldError(path, "must be an object") }
      objects.append(JSONObject(path: path, fields: fields))
    }
    return objects
  }
}
