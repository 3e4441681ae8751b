/// The bind parameters of one execution in libpq's layout.
struct Arguments {
  let types: [UInt32]
  private var bytes: [UInt8] = []
  private var starts: [Int?] = []
  private var lengths: [Int32] = []
  private var formats: [Int32] = []

  /// - Throws: `PostgresError` with `.parameter`, naming the parameter as the server would (`$2`).
  init(_ parameters: [PostgresParameter]) throws {
    guard parameters.count <= Int(UInt16.max) else {
      throw PostgresError(.parameter, "more than \(UInt16.max) parameters; bind arrays and unnest them")
    }
    types = parameters.map(\.type.oid)
    for (index, parameter) in parameters.enumerated() {
      switch parameter.content {
      case .null:
        append([UInt8]?.none, isBinary: false)
      case .binary(let value):
        append(value, isBinary: true)
      case .text(let value):
        guard !value.utf8.contains(0) else {
          throw PostgresError(.parameter, "parameter $\(index + 1) holds NUL, which PostgreSQL's text cannot")
        }
        append(value.utf8, isBinary: false)
      case .invalid(let reason):
        throw PostgresError(.parameter, "parameter $\(index + 1) \(reason)")
      }
    }
  }

  private mutating func append(_ value: (some Collection<UInt8>)?, isBinary: Bool) {
    starts.append(value == nil ? nil : bytes.count)
    lengths.append(Int32(value?.count ?? 0))
    formats.append(isBinary ? 1 : 0)
    if let value { bytes.append(contentsOf: value) }
    bytes.append(0)
  }

  /// Lends values, lengths and formats as C arrays for the duration of the call.
  func withCArrays<Result>(
    _ body: (UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<Int32>?, UnsafePointer<Int32>?) -> Result
  ) -> Result {
    bytes.withUnsafeBytes { buffer in
      let base = buffer.baseAddress?.assumingMemoryBound(to: CChar.self)
      let values = starts.map { start in start.flatMap { base?.advanced(by: $0) } }
      return values.withUnsafeBufferPointer { values in
        lengths.withUnsafeBufferPointer { lengths in
          formats.withUnsafeBufferPointer { formats in
            body(values.baseAddress, lengths.baseAddress, formats.baseAddress)
          }
        }
      }
    }
  }
}
