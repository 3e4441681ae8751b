import Postgres

/// The sender's own tables and the one door to a provider, `sender.claim`.
///
/// SQL reads the clock only through `sluice.clock()`. Migrations are never edited once released; a change is a new one.
enum SenderSchema {
  static let name = "sender"

  static let migrations = [
    Migration(version: 1, name: "gate and ledger", sql: tables),
    Migration(version: 2, name: "claim", sql: claim),
    Migration(version: 3, name: "claim in sets", sql: ClaimInSets.sql),
    Migration(version: 4, name: "reasons", sql: reasons),
    Migration(version: 5, name: "whom a provider throttles", sql: ThrottleSchema.sql),
    Migration(version: 6, name: "pruning by index", sql: pruning),
    Migration(version: 7, name: "lives", sql: LifeSchema.sql),
  ]

  private static let tables = """
    CREATE TABLE sender.gates (
      provider text NOT NULL CONSTRAINT gates_pkey PRIMARY KEY,
      slots integer NOT NULL CONSTRAINT gates_slots_check CHECK (slots > 0),
      window_ms integer NOT NULL CONSTRAINT gates_window_check CHECK (window_ms > 0),
      pacing text NOT NULL CONSTRAINT gates_pacing_check CHECK (pacing IN ('sliding', 'strict')),
      settings_version bigint NOT NULL,
      closed_until_at timestamptz NOT NULL DEFAULT '-infinity'
    ) WITH (fillfactor = 70);
    COMMENT ON TABLE sender.gates IS 'One row for each provider: its limit, as the newest send command gave it.';

    CREATE TABLE sender.ledger (
      message_id uuid NOT NULL,
      unit_index integer NOT NULL,
      dispatch integer NOT NULL,
      provider text NOT NULL,
      state text NOT NULL CONSTRAINT ledger_state_check CHECK (state IN ('claimed', 'finished', 'expired')),
      cost integer NOT NULL CONSTRAINT ledger_cost_check CHECK (cost > 0),
      holder text NOT NULL,
      incarnation uuid NOT NULL,
      recorded_at timestamptz NOT NULL,
      claimed_at timestamptz,
      orphaned_after_at timestamptz,
      anchor_at timestamptz,
      started_at timestamptz,
      finished_at timestamptz,
      outcome text CONSTRAINT ledger_outcome_check CHECK (outcome IN
        ('accepted', 'rejected', 'retryable', 'throttled', 'refused_credentials', 'unknown')),
      reply_status integer,
      reply_body text,
      error_code text,
      retry_after_s double precision,
      reported_at timestamptz,
      CONSTRAINT ledger_pkey PRIMARY KEY (message_id, unit_index, dispatch),
      CONSTRAINT ledger_claimed_check CHECK (state = 'expired' OR (claimed_at IS NOT NULL AND anchor_at IS NOT NULL)),
      CONSTRAINT ledger_finished_check CHECK ((state = 'finished') = (outcome IS NOT NULL))
    ) WITH (fillfactor = 80);
    COMMENT ON TABLE sender.ledger IS
      'One row for each attempt that reached a sender: what was claimed has passed the gate, and may have been sent.';
    COMMENT ON COLUMN sender.ledger.anchor_at IS
      'When the attempt stops holding its slot, less one window: the answer, or the start + 250 ms if that is earlier.';
    CREATE INDEX ledger_anchor_idx ON sender.ledger (provider, anchor_at) INCLUDE (cost);
    CREATE INDEX ledger_claimed_idx ON sender.ledger (orphaned_after_at) WHERE state = 'claimed';
    CREATE INDEX ledger_unreported_idx ON sender.ledger (recorded_at) WHERE state <> 'claimed' AND reported_at IS NULL;
    """

  private static let reasons = """
    ALTER TABLE sender.ledger ADD COLUMN reason text;
    COMMENT ON COLUMN sender.ledger.reason IS 'Why the provider did not take it, in its own words.';
    """

  private static let pruning = """
    CREATE INDEX ledger_unanchored_idx ON sender.ledger (provider, recorded_at) WHERE anchor_at IS NULL;
    """

  private static let claim = """
    CREATE FUNCTION sender.opens_at(p_provider text, p_cost integer, p_now timestamptz) RETURNS timestamptz
    LANGUAGE sql STABLE AS $$
      SELECT greatest(
        g.closed_until_at,
        (SELECT max(w.anchor_at) + (g.window_ms + 1) * interval '1 millisecond'
         FROM (SELECT l.anchor_at, sum(l.cost) OVER (ORDER BY l.anchor_at DESC, l.message_id, l.unit_index, l.dispatch)
                 AS used
               FROM sender.ledger l
               WHERE l.provider = p_provider
                 AND l.anchor_at > p_now - (g.window_ms + 1) * interval '1 millisecond') w
         WHERE w.used + least(p_cost, g.slots) > g.slots),
        p_now)
      FROM sender.gates g WHERE g.provider = p_provider
    $$;
    COMMENT ON FUNCTION sender.opens_at IS
      'When the gate lets an SMS of this cost through: now, or when enough anchors are a window (and 1 ms) old.';

    CREATE FUNCTION sender.claim(
      p_provider text, p_slots integer, p_window_ms integer, p_pacing text, p_version bigint,
      p_messages uuid[], p_indexes integer[], p_dispatches integer[], p_costs integer[], p_not_after timestamptz[],
      p_holder text, p_incarnation uuid, p_timeout_ms integer, p_claim_limit_ms integer)
    RETURNS TABLE (place integer, verdict text, verdict_at timestamptz, now_at timestamptz)
    LANGUAGE plpgsql AS $$
    DECLARE
      v_now timestamptz;
      v_opens timestamptz;
      v_state text;
      v_closed boolean := false;
    BEGIN
      INSERT INTO sender.gates AS g (provider, slots, window_ms, pacing, settings_version)
      VALUES (p_provider, p_slots, p_window_ms, p_pacing, p_version)
      ON CONFLICT (provider) DO UPDATE
        SET slots = excluded.slots, window_ms = excluded.window_ms, pacing = excluded.pacing,
            settings_version = excluded.settings_version
        WHERE g.settings_version < excluded.settings_version;
      PERFORM 1 FROM sender.gates g WHERE g.provider = p_provider FOR UPDATE;
      v_now := sluice.clock();
      now_at := v_now;
      -- Anchors and closings that no clock but a stepped one can have set: the gate opens a window from now at the latest.
      UPDATE sender.ledger l SET anchor_at = v_now
      WHERE l.provider = p_provider AND l.anchor_at > v_now + (p_timeout_ms + 60000) * interval '1 millisecond';
      UPDATE sender.gates g SET closed_until_at = v_now
      WHERE g.provider = p_provider AND g.closed_until_at > v_now + interval '10 minutes';
      FOR v_place IN 1 .. cardinality(p_messages) LOOP
        place := v_place;
        SELECT l.state INTO v_state FROM sender.ledger l
        WHERE l.message_id = p_messages[v_place] AND l.unit_index = p_indexes[v_place] AND l.dispatch = p_dispatches[v_place];
        IF FOUND THEN
          verdict := CASE v_state WHEN 'claimed' THEN 'in_flight' ELSE v_state END;
          verdict_at := v_now;
        ELSIF p_not_after[v_place] <= v_now THEN
          INSERT INTO sender.ledger
            (message_id, unit_index, dispatch, provider, state, cost, holder, incarnation, recorded_at)
          VALUES (p_messages[v_place], p_indexes[v_place], p_dispatches[v_place], p_provider, 'expired', p_costs[v_place],
                  p_holder, p_incarnation, v_now);
          verdict := 'expired';
          verdict_at := v_now;
        ELSE
          IF NOT v_closed THEN
            v_opens := sender.opens_at(p_provider, p_costs[v_place], v_now);
            v_closed := v_opens > v_now;
          END IF;
          IF v_closed THEN
            verdict := 'wait';
            verdict_at := v_opens;
          ELSE
            INSERT INTO sender.ledger
              (message_id, unit_index, dispatch, provider, state, cost, holder, incarnation, recorded_at, claimed_at,
               orphaned_after_at, anchor_at)
            VALUES
              (p_messages[v_place], p_indexes[v_place], p_dispatches[v_place], p_provider, 'claimed', p_costs[v_place],
               p_holder, p_incarnation, v_now, v_now,
               v_now + (p_timeout_ms + 10000) * interval '1 millisecond',
               v_now + CASE p_pacing WHEN 'strict' THEN p_timeout_ms + p_claim_limit_ms ELSE p_claim_limit_ms + 250 END * interval '1 millisecond');
            verdict := 'claimed';
            verdict_at := v_now;
          END IF;
        END IF;
        RETURN NEXT;
      END LOOP;
    END
    $$;
    COMMENT ON FUNCTION sender.claim IS
      'The only door to a provider. Answers each attempt with claimed, wait (until verdict_at), expired, finished or in_flight, and writes the ledger for the first and the third.';
    """
}
