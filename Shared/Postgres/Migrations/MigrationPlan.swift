/// Decides which migrations are to be applied.
struct MigrationPlan {
  /// A migration as the database remembers it.
  struct Applied: Equatable {
    var version: Int
    var checksum: String
  }

  /// In order of application.
  let pending: [Migration]
  /// Applied by a newer version of the program, which is no error: replicas are replaced one by one.
  let unknown: [Int]

  /// - Parameter migrations: The program's, with the checksum of each.
  /// - Throws: `MigrationError`.
  init(schema: String, migrations: [(migration: Migration, checksum: String)], applied: [Applied]) throws {
    let checksums = Dictionary(applied.map { ($0.version, $0.checksum) }, uniquingKeysWith: { first, _ in first })
    let known = Set(migrations.map(\.migration.version))
    var seen: Set<Int> = []
    for (migration, checksum) in migrations {
      guard seen.insert(migration.version).inserted else {
        throw MigrationError.duplicateVersion(schema: schema, version: migration.version)
      }
      if let stored = checksums[migration.version], stored != checksum {
        throw MigrationError.checksumChanged(schema: schema, version: migration.version, name: migration.name)
      }
    }
    pending = migrations.map(\.migration).filter { checksums[$0.version] == nil }.sorted { $0.version < $1.version }
    unknown = applied.map(\.version).filter { !known.contains($0) }
    let newest = applied.map(\.version).filter(known.contains).max()
    if let newest, let first = pending.first, first.version < newest {
      throw MigrationError.outOfOrder(schema: schema, version: first.version, applied: newest)
    }
  }
}
