/// An integer with a PostgreSQL type: `Int` and `Int64` are `int8`, `Int32` is `int4`, `Int16` is `int2`.
public protocol PostgresInteger: PostgresScalar, FixedWidthInteger {}

extension PostgresInteger {
  public var postgresText: Result<String, PostgresDecodingFailure> { .success(String(self)) }

  public init(postgresScalar text: ArraySlice<UInt8>) throws {
    let isNegative = text.first == UInt8(ascii: "-")
    let digits = isNegative ? text.dropFirst() : text
    guard !digits.isEmpty else { throw PostgresDecodingFailure.expected("an integer") }
    var value: Self = 0
    for byte in digits {
      guard byte >= 48, byte <= 57 else { throw PostgresDecodingFailure.expected("an integer") }
      // Downwards for negative numbers, so that the smallest is read too.
      let digit = Self(truncatingIfNeeded: byte - 48)
      let (product, overflows) = value.multipliedReportingOverflow(by: 10)
      let (sum, overflowsToo) =
        isNegative ? product.subtractingReportingOverflow(digit) : product.addingReportingOverflow(digit)
      guard !overflows, !overflowsToo else { throw PostgresDecodingFailure("is out of the range of \(Self.self)") }
      value = sum
    }
    self = value
  }
}

extension Int: PostgresInteger {
  public static var postgresType: PostgresType { .int8 }
}

extension Int64: PostgresInteger {
  public static var postgresType: PostgresType { .int8 }
}

extension Int32: PostgresInteger {
  public static var postgresType: PostgresType { .int4 }
}

extension Int16: PostgresInteger {
  public static var postgresType: PostgresType { .int2 }
}
