extension ProjectionMigrations {
  /// Counts that are kept instead of counted, and what makes lists quick at any size.
  ///
  /// The counts follow `messages` by triggers on whole statements, so that they are right whatever statement changes it.
  static let totals = """
    ALTER TABLE messages
      ADD COLUMN told_counts int[],
      ADD COLUMN redacted_at timestamptz,
      ADD COLUMN is_open boolean NOT NULL GENERATED ALWAYS AS (
        pending + sending + retrying > 0 OR sent + failed + dead + expired + cancelled + unconfirmed = 0) STORED,
      ADD COLUMN has_unsent boolean NOT NULL GENERATED ALWAYS AS (
        failed + dead + expired + cancelled + unconfirmed > 0) STORED,
      ADD COLUMN is_unbalanced boolean GENERATED ALWAYS AS (
        recipient_count
          <> pending + sending + retrying + sent + failed + dead + expired + cancelled + unconfirmed) STORED,
      ADD COLUMN is_contradicted boolean GENERATED ALWAYS AS (
        told_counts <> ARRAY[pending, sending, retrying, sent, failed, dead, expired, cancelled, unconfirmed]
          AND (changed_at IS NULL OR changed_at <= finished_at)) STORED,
      ADD CONSTRAINT messages_job_status CHECK (
        job_status IN ('pending', 'sending', 'completed', 'partial', 'failed', 'cancelled', 'expired', 'unconfirmed'));
    COMMENT ON COLUMN messages.told_counts IS
      'The scheduler''s counts as of finished_at: pending, sending, retrying, sent, failed, dead, expired, cancelled,
      unconfirmed.';
    COMMENT ON COLUMN messages.redacted_at IS 'When its text, numbers and answers were taken out; nothing brings them back.';
    COMMENT ON COLUMN messages.is_open IS 'Something may still happen: job_status is pending or sending.';
    COMMENT ON COLUMN messages.has_unsent IS 'Some of its SMS ended other than sent.';
    COMMENT ON COLUMN messages.is_unbalanced IS 'Its counts do not add up to its recipients: they never should.';
    COMMENT ON COLUMN messages.is_contradicted IS
      'The scheduler counted otherwise when it was finished, and nothing newer was told: facts are missing.';

    ALTER TABLE classes ADD CONSTRAINT classes_class CHECK (class IN ('urgent', 'normal', 'bulk'));
    ALTER TABLE flows ADD CONSTRAINT flows_class CHECK (class IN ('urgent', 'normal', 'bulk'));
    ALTER TABLE providers
      ADD CONSTRAINT providers_state CHECK (state IN ('healthy', 'unhealthy', 'probing', 'paused'));

    -- For lists, newest first. Of several statuses each is read by itself.
    CREATE INDEX messages_user_status_idx ON messages (user_id, job_status, accepted_at DESC, message_id DESC);
    CREATE INDEX messages_user_class_idx ON messages (user_id, class, accepted_at DESC, message_id DESC);
    CREATE INDEX messages_user_unsent_idx ON messages (user_id, accepted_at DESC, message_id DESC) WHERE has_unsent;
    DROP INDEX messages_reference_idx;
    CREATE INDEX messages_reference_idx ON messages (user_id, reference, accepted_at DESC, message_id DESC)
      WHERE reference IS NOT NULL;
    -- Small: of what is not final, or of what should not be.
    CREATE INDEX messages_open_idx ON messages (accepted_at) WHERE is_open;
    CREATE INDEX messages_open_flow_idx ON messages (flow_id, first_number DESC) WHERE is_open;
    CREATE INDEX messages_open_bucket_idx ON messages ((\(bucket("message_id"))), accepted_at) WHERE is_open AND flow_id IS NOT NULL;
    CREATE INDEX messages_unqueued_idx ON messages (accepted_at) WHERE is_open AND flow_id IS NULL;
    CREATE INDEX messages_unaccepted_idx ON messages (changed_at) WHERE accepted_at IS NULL;
    CREATE INDEX messages_unbalanced_idx ON messages (accepted_at) WHERE is_unbalanced;
    CREATE INDEX messages_redactable_idx ON messages (accepted_at) WHERE NOT is_open AND redacted_at IS NULL;
    CREATE INDEX messages_contradicted_idx ON messages (finished_at) WHERE is_contradicted;

    CREATE TABLE totals (
      user_id uuid CONSTRAINT totals_pkey PRIMARY KEY,
      \(columns.map { "\($0) bigint NOT NULL DEFAULT 0" }.joined(separator: ", "))
    ) WITH (fillfactor = 50);
    COMMENT ON TABLE totals IS
      'Accepted messages by job status and their SMS by state, of each user; of all in the row of the nil UUID.';
    INSERT INTO totals (user_id) VALUES ('\(everybody)');

    CREATE TABLE ledger_buckets (
      bucket int CONSTRAINT ledger_buckets_pkey PRIMARY KEY,
      messages int NOT NULL DEFAULT 0,
      \(ledgerStates.map { "\($0) int NOT NULL DEFAULT 0" }.joined(separator: ", "))
    ) WITH (fillfactor = 30);
    COMMENT ON TABLE ledger_buckets IS
      'Messages that the scheduler has queued and that are not final, and their SMS by state, by the last ten bits of
      their ids.';

    \(function("count_inserted", "\(rows("new_rows", 1))"))
    \(function("count_deleted", "\(rows("old_rows", -1))"))
    \(function("count_updated", "\(rows("new_rows", 1)) UNION ALL \(rows("old_rows", -1))"))
    CREATE TRIGGER count_inserted AFTER INSERT ON messages REFERENCING NEW TABLE AS new_rows
      FOR EACH STATEMENT EXECUTE FUNCTION count_inserted();
    CREATE TRIGGER count_deleted AFTER DELETE ON messages REFERENCING OLD TABLE AS old_rows
      FOR EACH STATEMENT EXECUTE FUNCTION count_deleted();
    CREATE TRIGGER count_updated AFTER UPDATE ON messages REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
      FOR EACH STATEMENT EXECUTE FUNCTION count_updated();
    -- What is there already is counted once.
    INSERT INTO totals AS t (user_id, \(list(columns))) \(totalsOf(rows("messages", 1))) \(addTotals);
    INSERT INTO ledger_buckets AS b (bucket, messages, \(list(ledgerStates))) \(bucketsOf(rows("messages", 1))) \(addBuckets);
    """

  private static let everybody = "00000000-0000-0000-0000-000000000000"
  // Written out, since the text of a migration never changes.
  static let ledgerStates = [
    "pending", "sending", "retrying", "sent", "failed", "dead", "expired", "cancelled", "unconfirmed",
  ]
  private static let statuses = [
    "pending", "sending", "completed", "partial", "failed", "cancelled", "expired", "unconfirmed",
  ]
  private static let columns = statuses.map { "\($0)_messages" } + ["units"] + ledgerStates
  static func bucket(_ column: String) -> String {
    "(get_byte(uuid_send(\(column)), 14) & 3) * 256 + get_byte(uuid_send(\(column)), 15)"
  }

  private static func list(_ names: [String]) -> String { names.joined(separator: ", ") }

  /// Rows of messages that count, each with its sign.
  private static func rows(_ table: String, _ weight: Int) -> String {
    """
    SELECT message_id, user_id, accepted_at, flow_id, is_open, job_status, recipient_count, \(list(ledgerStates)),
      \(weight) AS weight FROM \(table)
    """
  }

  /// What such rows add to each user's totals and to all.
  private static func totalsOf(_ rows: String) -> String {
    let sums =
      statuses.map { "coalesce(sum(weight) FILTER (WHERE job_status = '\($0)'), 0) AS \($0)_messages" }
      + ["coalesce(sum(weight * recipient_count), 0) AS units"]
      + ledgerStates.map { "coalesce(sum(weight * \($0)), 0) AS \($0)" }
    return """
      SELECT user_id, \(list(columns)) FROM (
        SELECT coalesce(user_id, '\(everybody)') AS user_id, \(list(sums)) FROM (\(rows)) r
        WHERE accepted_at IS NOT NULL GROUP BY GROUPING SETS ((user_id), ())
      ) s WHERE 0 <> ANY (ARRAY[\(list(columns))]) ORDER BY user_id
      """
  }

  /// What such rows add to the buckets.
  private static func bucketsOf(_ rows: String) -> String {
    let sums = ["sum(weight) AS messages"] + ledgerStates.map { "sum(weight * \($0)) AS \($0)" }
    return """
      SELECT bucket, messages, \(list(ledgerStates)) FROM (
        SELECT \(bucket("message_id")) AS bucket, \(list(sums)) FROM (\(rows)) r
        WHERE flow_id IS NOT NULL AND is_open GROUP BY 1
      ) s WHERE 0 <> ANY (ARRAY[messages, \(list(ledgerStates))]) ORDER BY bucket
      """
  }

  private static let addTotals =
    "ON CONFLICT (user_id) DO UPDATE SET \(list(columns.map { "\($0) = t.\($0) + excluded.\($0)" }))"
  private static let addBuckets =
    "ON CONFLICT (bucket) DO UPDATE SET \(list((["messages"] + ledgerStates).map { "\($0) = b.\($0) + excluded.\($0)" }))"

  /// A trigger's function. It finds the tables beside the one it was fired by, in whatever schema that lies; what it sets
  /// is undone at its end.
  private static func function(_ name: String, _ rows: String) -> String {
    """
    CREATE FUNCTION \(name)() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog SET plan_cache_mode = force_generic_plan AS $$
    BEGIN
      PERFORM set_config('search_path', quote_ident(TG_TABLE_SCHEMA), true);
      INSERT INTO totals AS t (user_id, \(list(columns))) \(totalsOf(rows)) \(addTotals);
      INSERT INTO ledger_buckets AS b (bucket, messages, \(list(ledgerStates))) \(bucketsOf(rows)) \(addBuckets);
      RETURN NULL;
    END
    $$;
    """
  }
}
