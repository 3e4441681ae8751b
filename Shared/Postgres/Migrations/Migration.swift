/// One step of a schema, applied once per database and never changed afterwards.
public struct Migration: Sendable {
  /// The order of application; unique within a schema.
  public let version: Int
  /// What it does, for people.
  public let name: String
  /// Statements separated by semicolons. They run within a transaction with the schema first in the search path.
  public let sql: String

  public init(version: Int, name: String, sql: String) {
    self.version = version
    self.name = name
    self.sql = sql
  }
}

/// Why a schema cannot be migrated by this version of the program.
public enum MigrationError: Error, Equatable, CustomStringConvertible {
  /// Two migrations of the program have the same version.
  case duplicateVersion(schema: String, version: Int)
  /// A migration that was applied has another text now.
  case checksumChanged(schema: String, version: Int, name: String)
  /// A migration that was not applied precedes one that was.
  case outOfOrder(schema: String, version: Int, applied: Int)

  public var description: String {
    switch self {
    case .duplicateVersion(let schema, let version):
      "schema \(schema): two migrations have version \(version)"
    case .checksumChanged(let schema, let version, let name):
      "schema \(schema): migration \(version) (\(name)) was applied with another text; write a new migration instead"
    case .outOfOrder(let schema, let version, let applied):
      "schema \(schema): migration \(version) is new but \(applied) was applied already"
    }
  }
}
