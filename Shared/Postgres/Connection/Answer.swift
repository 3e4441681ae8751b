import CPostgres

/// What came back for one request: the last result and the first error.
struct Answer {
  private(set) var table: ResultTable?
  private(set) var report: ServerReport?

  /// Takes one result; false when the session is in a state from which this client cannot go on.
  mutating func take(_ result: OpaquePointer) -> Bool {
    switch PQresultStatus(result) {
    case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY:
      table = ResultReader.table(result)
      return true
    case PGRES_FATAL_ERROR:
      let next = ResultReader.report(result)
      // The end of the session says more than the error before it.
      if report == nil || next.isFatal { report = next }
      return true
    case _:
      // COPY and pipelines, which are not supported, and answers that libpq could not read.
      return false
    }
  }
}
