extension ProjectionMigrations {
  /// What the scheduler counts and what the tables hold, compared mark by mark, and what is wrong for how long.
  static let ledger = """
    CREATE TABLE ledger_marks (
      mark uuid CONSTRAINT ledger_marks_pkey PRIMARY KEY,
      marked_at timestamptz NOT NULL
    );
    COMMENT ON TABLE ledger_marks IS 'Cuts through the log whose count by the scheduler is still to come.';
    CREATE INDEX ledger_marks_time_idx ON ledger_marks (marked_at);

    CREATE TABLE ledger_mark_buckets (
      mark uuid CONSTRAINT ledger_mark_buckets_mark REFERENCES ledger_marks ON DELETE CASCADE,
      bucket int,
      counts int[] NOT NULL,
      CONSTRAINT ledger_mark_buckets_pkey PRIMARY KEY (mark, bucket)
    );
    COMMENT ON TABLE ledger_mark_buckets IS
      'ledger_buckets as it was when everything before the mark was folded. counts: messages, then SMS by state.';

    CREATE TABLE ledger_comparison (
      singleton boolean CONSTRAINT ledger_comparison_pkey PRIMARY KEY DEFAULT true,
      marked_at timestamptz,
      CONSTRAINT ledger_comparison_one_row CHECK (singleton)
    );
    COMMENT ON TABLE ledger_comparison IS 'The newest mark that was compared.';
    INSERT INTO ledger_comparison DEFAULT VALUES;

    CREATE TABLE ledger_differences (
      bucket int CONSTRAINT ledger_differences_pkey PRIMARY KEY,
      since timestamptz NOT NULL,
      seen_at timestamptz NOT NULL,
      told int[] NOT NULL,
      own int[] NOT NULL
    );
    COMMENT ON TABLE ledger_differences IS
      'Buckets that differed at the newest mark, and since which one. told: the scheduler''s count; own: the tables''.';

    CREATE VIEW ledger_read AS
      WITH clock AS MATERIALIZED (SELECT sluice.clock() AS now), found AS (
        SELECT 'bucket' AS kind, bucket, since, greatest(told[1], own[1]) AS messages,
          (SELECT greatest(coalesce(sum(t - o) FILTER (WHERE t > o), 0), coalesce(sum(o - t) FILTER (WHERE o > t), 0))
            FROM unnest(told[2:], own[2:]) AS u (t, o)) AS sms,
          ARRAY(SELECT m.message_id FROM messages m
            WHERE (\(bucket("m.message_id"))) = d.bucket AND m.is_open AND m.flow_id IS NOT NULL
            ORDER BY m.accepted_at LIMIT 20) AS message_ids,
          \(counts("told")) AS told, \(counts("own")) AS own, seen_at - since AS lasts
        FROM ledger_differences d
        UNION ALL
        \(kind("unqueued", where: "is_open AND flow_id IS NULL AND accepted_at < (SELECT now FROM clock) - interval '5 s'", since: "accepted_at"))
        UNION ALL
        \(kind("unbalanced", where: "is_unbalanced", since: "coalesce(changed_at, accepted_at)"))
        UNION ALL
        \(kind("contradicted", where: "is_contradicted", since: "finished_at"))
        UNION ALL
        \(kind("unaccepted", where: "accepted_at IS NULL AND changed_at IS NOT NULL", since: "changed_at"))
      )
      SELECT kind, bucket, since, messages, sms, message_ids, told, own,
        -- A bucket differs from mark to mark. Of the others the log must have been folded for as long: while it is caught up
        -- with, what is missing is only behind.
        coalesce(CASE WHEN bucket IS NOT NULL THEN lasts >= interval '60 s'
          ELSE since < p.log_time - interval '60 s'
            OR greatest(since, p.folded_at) < (SELECT now FROM clock) - interval '60 s' END, false) AS is_error
      FROM found CROSS JOIN progress p;
    COMMENT ON VIEW ledger_read IS
      'What does not add up between the scheduler and these tables; empty when all does. One row per bucket that differs
      and per kind of message that is wrong.';
    COMMENT ON COLUMN ledger_read.kind IS
      'bucket: the scheduler counts otherwise; unqueued: accepted and not queued by the scheduler; unbalanced: the counts
      do not add up to the recipients; contradicted: finished with other counts; unaccepted: facts about a message whose
      request never came.';
    COMMENT ON COLUMN ledger_read.message_ids IS
      'Up to 20, the oldest first; of a bucket those that are not final here, among which the difference is to be looked for.';
    COMMENT ON COLUMN ledger_read.is_error IS 'True after 60 s: what is younger may be under way.';

    CREATE VIEW ledger_comparison_read AS SELECT marked_at FROM ledger_comparison;
    COMMENT ON VIEW ledger_comparison_read IS 'The newest mark of the scheduler''s that was compared; always one row.';

    DO $$
    BEGIN
      IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'sluice_accounts') THEN
        GRANT SELECT ON ledger_read, ledger_comparison_read TO sluice_accounts;
      END IF;
    END
    $$;
    """

  /// One row for all messages that are wrong in one way; none when there are none.
  private static func kind(_ name: String, where condition: String, since: String) -> String {
    """
    SELECT '\(name)', NULL, s.since, s.messages, 0,
      ARRAY(SELECT message_id FROM messages WHERE \(condition) ORDER BY \(since), message_id LIMIT 20), NULL, NULL, NULL
    FROM (SELECT min(\(since)) AS since, count(*) AS messages FROM messages WHERE \(condition)) s WHERE s.messages > 0
    """
  }

  private static func counts(_ array: String) -> String {
    let names = ["messages"] + ledgerStates
    let members = names.enumerated().map { "'\($1)', \(array)[\($0 + 1)]" }
    return "jsonb_build_object(\(members.joined(separator: ", ")))"
  }
}
