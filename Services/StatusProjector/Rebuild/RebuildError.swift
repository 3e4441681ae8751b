/// Why the read tables were not rebuilt.
enum RebuildError: Error, Equatable, CustomStringConvertible {
  /// Nothing came from the log and the broker does not say that it would.
  case logUnreachable
  case logEmpty
  /// The log ends before what the tables in use hold.
  case logEnds(at: UInt64?, tables: UInt64)
  /// A newer version of this program has migrated the tables in use meanwhile.
  case newerSchema
  /// Views in other schemas are made over the tables and would go on showing the old ones.
  case dependents([String])
  /// So many facts of the log do not go with what was copied.
  case refused(Int)
  /// Somebody reads for so long that the tables could not be exchanged.
  case tablesBusy

  var description: String {
    switch self {
    case .logUnreachable: "the broker does not deliver events.log"
    case .logEmpty: "events.log is empty: there is nothing to rebuild from"
    case .logEnds(let offset, let tables):
      "events.log ends at \(offset.map(String.init) ?? "its beginning"), but the tables are at \(tables): "
        + "was the stream deleted?"
    case .newerSchema: "the tables were migrated by a newer version meanwhile: rebuild with that one"
    case .dependents(let names):
      "these would go on showing the old tables, drop them first and make them again afterwards: "
        + names.joined(separator: ", ")
    case .refused(let count):
      "\(count) facts of the log do not go with what was copied from the tables; each is in the log above"
    case .tablesBusy: "the tables are read without a pause by long queries: try again when those have ended"
    }
  }
}
