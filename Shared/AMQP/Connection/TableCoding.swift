import CRabbitMQ

extension ArgumentPool {
  func table(_ values: [String: AMQPValue]) -> amqp_table_t {
    guard let entries = array(of: amqp_table_entry_t.self, count: values.count) else {
      return amqp_table_t(num_entries: 0, entries: nil)
    }
    for (index, (key, value)) in values.enumerated() {
      entries[index] = amqp_table_entry_t(key: bytes(key), value: field(value))
    }
    return amqp_table_t(num_entries: Int32(values.count), entries: entries)
  }

  private func field(_ value: AMQPValue) -> amqp_field_value_t {
    var field = amqp_field_value_t()
    switch value {
    case .string(let text):
      field.kind = UInt8(AMQP_FIELD_KIND_UTF8.rawValue)
      field.value.bytes = bytes(text)
    case .int(let number):
      field.kind = UInt8(AMQP_FIELD_KIND_I64.rawValue)
      field.value.i64 = number
    case .unsigned(let number):
      field.kind = UInt8(AMQP_FIELD_KIND_U64.rawValue)
      field.value.u64 = number
    case .double(let number):
      field.kind = UInt8(AMQP_FIELD_KIND_F64.rawValue)
      field.value.f64 = number
    case .bool(let flag):
      field.kind = UInt8(AMQP_FIELD_KIND_BOOLEAN.rawValue)
      field.value.boolean = flag ? 1 : 0
    case .bytes(let octets):
      field.kind = UInt8(AMQP_FIELD_KIND_BYTES.rawValue)
      field.value.bytes = octets.withUnsafeBytes(bytes)
    case .timestamp(let seconds):
      field.kind = UInt8(AMQP_FIELD_KIND_TIMESTAMP.rawValue)
      field.value.u64 = seconds
    case .array(let values):
      field.kind = UInt8(AMQP_FIELD_KIND_ARRAY.rawValue)
      let entries = array(of: amqp_field_value_t.self, count: values.count)
      for (index, value) in values.enumerated() { entries?[index] = self.field(value) }
      field.value.array = amqp_array_t(num_entries: entries == nil ? 0 : Int32(values.count), entries: entries)
    case .table(let values):
      field.kind = UInt8(AMQP_FIELD_KIND_TABLE.rawValue)
      field.value.table = table(values)
    case .null:
      field.kind = UInt8(AMQP_FIELD_KIND_VOID.rawValue)
    }
    return field
  }
}

extension [String: AMQPValue] {
  init(_ table: amqp_table_t) {
    self.init(minimumCapacity: Int(table.num_entries))
    for entry in UnsafeBufferPointer(start: table.entries, count: Int(table.num_entries)) {
      self[entry.key.string] = AMQPValue(entry.value)
    }
  }
}

extension AMQPValue {
  init(_ field: amqp_field_value_t) {
    switch amqp_field_value_kind_t(UInt32(field.kind)) {
    case AMQP_FIELD_KIND_UTF8: self = .string(field.value.bytes.string)
    case AMQP_FIELD_KIND_BYTES: self = .bytes([UInt8](field.value.bytes.buffer))
    case AMQP_FIELD_KIND_BOOLEAN: self = .bool(field.value.boolean != 0)
    case AMQP_FIELD_KIND_I8: self = .int(Int64(field.value.i8))
    case AMQP_FIELD_KIND_U8: self = .int(Int64(field.value.u8))
    case AMQP_FIELD_KIND_I16: self = .int(Int64(field.value.i16))
    case AMQP_FIELD_KIND_U16: self = .int(Int64(field.value.u16))
    case AMQP_FIELD_KIND_I32: self = .int(Int64(field.value.i32))
    case AMQP_FIELD_KIND_U32: self = .int(Int64(field.value.u32))
    case AMQP_FIELD_KIND_I64: self = .int(field.value.i64)
    case AMQP_FIELD_KIND_U64: self = Int64(exactly: field.value.u64).map(AMQPValue.int) ?? .unsigned(field.value.u64)
    case AMQP_FIELD_KIND_F32: self = .double(Double(field.value.f32))
    case AMQP_FIELD_KIND_F64: self = .double(field.value.f64)
    case AMQP_FIELD_KIND_DECIMAL: self = .double(Self.double(field.value.decimal))
    case AMQP_FIELD_KIND_TIMESTAMP: self = .timestamp(field.value.u64)
    case AMQP_FIELD_KIND_ARRAY:
      let array = field.value.array
      self = .array(UnsafeBufferPointer(start: array.entries, count: Int(array.num_entries)).map(AMQPValue.init))
    case AMQP_FIELD_KIND_TABLE: self = .table(.init(field.value.table))
    default: self = .null
    }
  }

  private static func double(_ decimal: amqp_decimal_t) -> Double {
    (0..<decimal.decimals).reduce(Double(decimal.value)) { value, _ in value / 10 }
  }

  /// Bytes on the wire, with the kind.
  var encodedSize: Int {
    switch self {
    case .string(let text): 5 + text.utf8.count
    case .bytes(let octets): 5 + octets.count
    case .int, .unsigned, .double, .timestamp: 9
    case .bool: 2
    case .null: 1
    case .array(let values): 5 + values.reduce(0) { $0 + $1.encodedSize }
    case .table(let values): 1 + values.encodedSize
    }
  }
}

extension [String: AMQPValue] {
  /// Bytes on the wire, with the length.
  var encodedSize: Int { reduce(4) { $0 + 1 + $1.key.utf8.count + $1.value.encodedSize } }
}

extension [String: AMQPValue] {
  /// Whether all keys, also of tables inside, can be written: 255 bytes at most.
  var hasShortKeys: Bool { allSatisfy { $0.key.utf8.count <= 255 && $0.value.hasShortKeys } }
}

extension AMQPValue {
  fileprivate var hasShortKeys: Bool {
    switch self {
    case .table(let values): values.hasShortKeys
    case .array(let values): values.allSatisfy(\.hasShortKeys)
    case .string, .int, .unsigned, .double, .bool, .bytes, .timestamp, .null: true
    }
  }
}
