extension ProjectionMigrations {
  /// What makes admins' lists of everybody's messages quick.
  static let listIndexes = """
    -- Small: of what should not be.
    CREATE INDEX messages_unsent_idx ON messages (accepted_at DESC, message_id DESC) WHERE has_unsent;
    -- True of every message; lists of one user do not say so, and cannot be led astray by it among everybody's newest.
    DROP INDEX messages_newest_idx;
    CREATE INDEX messages_newest_idx ON messages (accepted_at DESC, message_id DESC) WHERE recipient_count > 0;
    """
}
