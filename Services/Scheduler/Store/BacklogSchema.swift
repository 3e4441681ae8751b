/// How much waits in each flow, kept by the tables themselves: a new leader reads a row for each flow, not one for each
/// message.
enum BacklogSchema {
  static let sql = """
    ALTER TABLE scheduler.flows ADD COLUMN backlog bigint NOT NULL DEFAULT 0
      CONSTRAINT flows_backlog_check CHECK (backlog >= 0);
    COMMENT ON COLUMN scheduler.flows.backlog IS
      'SMS of the flow that wait and were never dispatched; triggers on scheduler.messages keep it.';
    CREATE INDEX flows_user_idx ON scheduler.flows (user_id);

    -- What is under way and what came back have an index each: a new leader reads the first whole and the second in pages.
    CREATE INDEX units_sending_idx ON scheduler.units (message_id) WHERE state = 'sending';
    CREATE INDEX units_waiting_idx ON scheduler.units (message_id, unit_index) WHERE state IN ('pending', 'retrying');
    DROP INDEX scheduler.units_open_idx;

    \(function("count_inserted", rows("new_rows", 1)))
    \(function("count_deleted", rows("old_rows", -1)))
    \(function("count_updated", "\(rows("new_rows", 1)) UNION ALL \(rows("old_rows", -1))"))
    CREATE TRIGGER count_inserted AFTER INSERT ON scheduler.messages REFERENCING NEW TABLE AS new_rows
      FOR EACH STATEMENT EXECUTE FUNCTION scheduler.count_inserted();
    CREATE TRIGGER count_deleted AFTER DELETE ON scheduler.messages REFERENCING OLD TABLE AS old_rows
      FOR EACH STATEMENT EXECUTE FUNCTION scheduler.count_deleted();
    CREATE TRIGGER count_updated AFTER UPDATE ON scheduler.messages
      REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
      FOR EACH STATEMENT EXECUTE FUNCTION scheduler.count_updated();
    -- What is there already is counted once.
    UPDATE scheduler.flows f SET backlog = w.units FROM (\(sums(rows("scheduler.messages", 1)))) w
    WHERE f.flow_id = w.flow_id;
    """

  /// Messages with the SMS of theirs that wait, each with its sign.
  private static func rows(_ table: String, _ sign: Int) -> String {
    "SELECT flow_id, \(sign) * (total - cursor) AS units FROM \(table) WHERE cursor < total AND is_due AND NOT is_paused"
  }

  /// What such rows add to each flow.
  private static func sums(_ rows: String) -> String {
    "SELECT flow_id, sum(units)::bigint AS units FROM (\(rows)) r GROUP BY flow_id HAVING sum(units) <> 0"
  }

  private static func function(_ name: String, _ rows: String) -> String {
    """
    CREATE FUNCTION scheduler.\(name)() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog SET plan_cache_mode = force_generic_plan AS $$
    BEGIN
      UPDATE scheduler.flows f SET backlog = f.backlog + d.units FROM (\(sums(rows))) d WHERE f.flow_id = d.flow_id;
      RETURN NULL;
    END
    $$;
    """
  }
}
