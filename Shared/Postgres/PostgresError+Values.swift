extension PostgresError {
  /// True when the values are at fault, so that the same statement would fail for ever.
  ///
  /// SQLSTATE classes 21, cardinality violation, 22, data exception, and 23, integrity constraint violation (PostgreSQL
  /// manual, appendix A).
  public var isCausedByValues: Bool {
    code == .parameter || sqlState.map { ["21", "22", "23"].contains($0.prefix(2)) } ?? false
  }
}
