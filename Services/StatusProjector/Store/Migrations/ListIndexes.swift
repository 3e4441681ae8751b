extension ProjectionMigrations {
  /// What makes admins' lists of everybody's messages quick.
  static let listIndexes = """
    -- Small: of what should not be.
    CREATE INDEX messages_unsent_idx ON messages (accepted_at DESC, message_id DESC) WHERE has_unsent;
    """
}
