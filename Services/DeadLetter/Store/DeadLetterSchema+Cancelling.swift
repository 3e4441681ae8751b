extension DeadLetterSchema {
  /// Which request cancelled a replay: who, when and why stand there.
  static let cancelling = """
    ALTER TABLE dead_letter.requests ADD COLUMN cancel_id uuid;
    COMMENT ON COLUMN dead_letter.requests.cancel_id IS 'Of a replay: the request that cancelled it.';
    COMMENT ON COLUMN dead_letter.requests.cancelled_at IS 'Of a replay: since when; null while nothing is taken back.';
    UPDATE dead_letter.requests r
    SET cancel_id = (
      SELECT c.request_id FROM dead_letter.requests c
      WHERE c.kind = 'cancel' AND c.replay_id = r.request_id AND (c.letters > 0 OR c.refusal IS NULL)
      ORDER BY c.requested_at LIMIT 1)
    WHERE r.cancelled_at IS NOT NULL;
    UPDATE dead_letter.requests SET cancelled_at = NULL WHERE cancel_id IS NULL AND cancelled_at IS NOT NULL;
    -- A replica that does not know the column yet cancels without it.
    ALTER TABLE dead_letter.requests
      ADD CONSTRAINT requests_cancelled_check CHECK (cancel_id IS NULL OR cancelled_at IS NOT NULL);

    CREATE OR REPLACE VIEW dead_letter.requests_read AS
      SELECT r.request_id AS id, r.kind, r.actor_id, r.actor, r.reason, r.class, r.provider, r.verdict, r.expires_at,
             r.replay_id, r.letters, r.segments, r.requested_at, r.cancelled_at, r.ended_at,
             c.actor_id AS cancelled_by_id, c.actor AS cancelled_by, c.reason AS cancel_reason
      FROM dead_letter.requests r LEFT JOIN dead_letter.requests c ON c.request_id = r.cancel_id
      WHERE r.kind <> 'replay' OR r.replay_id IS NULL;
    """
}
