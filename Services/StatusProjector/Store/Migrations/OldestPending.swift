extension ProjectionMigrations {
  /// What is to be sent later waits from its time on: before, nothing is late.
  static let oldestPending = """
    CREATE INDEX messages_due_idx ON messages ((greatest(accepted_at, send_at))) WHERE is_open;

    CREATE OR REPLACE VIEW totals_read AS
      SELECT nullif(user_id, '00000000-0000-0000-0000-000000000000') AS user_id,
        pending_messages + sending_messages + completed_messages + partial_messages + failed_messages
          + cancelled_messages + expired_messages + unconfirmed_messages AS messages,
        pending_messages, sending_messages, completed_messages, partial_messages, failed_messages, cancelled_messages,
        expired_messages, unconfirmed_messages, units,
        pending, sending, retrying, sent, failed, dead, expired, cancelled, unconfirmed,
        CASE WHEN user_id = '00000000-0000-0000-0000-000000000000' THEN (
          SELECT greatest(m.accepted_at, m.send_at) FROM messages m
          WHERE m.is_open AND m.pending + m.retrying > 0
            -- Asked once, so that the index ends the search where the future begins.
            AND greatest(m.accepted_at, m.send_at) <= (SELECT sluice.clock())
          ORDER BY greatest(m.accepted_at, m.send_at) LIMIT 1) END AS oldest_pending_at
      FROM totals;
    COMMENT ON COLUMN totals_read.oldest_pending_at IS
      'Since when the oldest message waits that has SMS which wait: since it was accepted, or since its time to be sent, if
      that has come. Only in the row of all.';
    """
}
