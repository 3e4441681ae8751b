extension PostgresError {
  /// True when the values are at fault, so that the same statement would fail for ever.
  ///
  /// SQLSTATE classes 22, data exception, and 23, integrity constraint violation (PostgreSQL manual, appendix A).
  public var isCausedByValues: Bool {
    code == .parameter || sqlState.map { $0.hasPrefix("22") || $0.hasPrefix("23") } ?? false
  }
}
