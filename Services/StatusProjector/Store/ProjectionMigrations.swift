import Postgres

/// The schema `projection`, oldest version first. A migration that has been released is never edited.
enum ProjectionMigrations {
  static let schema = "projection"

  static let all = [
    Migration(version: 1, name: "read tables", sql: readTables),
    Migration(version: 2, name: "read views", sql: readViews),
    Migration(version: 3, name: "controls", sql: controls),
  ]
}
