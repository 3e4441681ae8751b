extension PostgresQuery {
  /// The time so long ago by `sluice.clock()`, as a value of its own: an index serves a comparison with it.
  ///
  /// The clock is volatile: compared directly it is asked again for each row, and no index can be searched by it.
  /// - Parameter duration: Whole milliseconds count.
  public static func time(ago duration: Duration) -> PostgresQuery {
    "(SELECT sluice.clock() - \(Int64(duration / .milliseconds(1))) * interval '1 millisecond')"
  }
}
