/// Version 3 of `sender.claim`: the same answers as version 2, from one look at the window whatever the number of attempts.
enum ClaimInSets {
  static let sql = release + claim

  /// Plans are fixed to the indexes: they are made once for each connection, often while the ledger is still empty.
  private static let plan = """
      SET enable_seqscan = off SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan
    """

  private static let release = """
    CREATE FUNCTION sender.used(p_provider text, p_after timestamptz) RETURNS bigint
    LANGUAGE plpgsql STABLE AS $$
    BEGIN
      RETURN (
        SELECT coalesce(sum(l.cost), 0) FROM sender.ledger l WHERE l.provider = p_provider AND l.anchor_at > p_after);
    END
    $$;
    COMMENT ON FUNCTION sender.used IS 'What the anchors after this time take of the window.';

    CREATE FUNCTION sender.released_at(p_provider text, p_after timestamptz, p_needed bigint) RETURNS timestamptz
    LANGUAGE plpgsql STABLE AS $$
    BEGIN
      RETURN (
        SELECT w.anchor_at
        FROM (SELECT l.anchor_at, sum(l.cost) OVER (ORDER BY l.anchor_at) AS released
              FROM sender.ledger l WHERE l.provider = p_provider AND l.anchor_at > p_after) w
        WHERE w.released >= p_needed AND p_needed > 0
        ORDER BY w.anchor_at LIMIT 1);
    END
    $$;
    COMMENT ON FUNCTION sender.released_at IS
      'The anchor with which so much of the window is released, counted from the oldest; null when nothing is needed.';

    CREATE OR REPLACE FUNCTION sender.opens_at(p_provider text, p_cost integer, p_now timestamptz) RETURNS timestamptz
    LANGUAGE plpgsql STABLE
    \(plan) AS $$
    DECLARE
      v_gate sender.gates;
      v_after timestamptz;
    BEGIN
      SELECT * INTO v_gate FROM sender.gates g WHERE g.provider = p_provider;
      v_after := p_now - (v_gate.window_ms + 1) * interval '1 millisecond';
      RETURN greatest(
        v_gate.closed_until_at, p_now,
        sender.released_at(
          p_provider, v_after, sender.used(p_provider, v_after) + least(p_cost, v_gate.slots) - v_gate.slots)
          + (v_gate.window_ms + 1) * interval '1 millisecond');
    END
    $$;

    """

  private static let claim = """
    CREATE OR REPLACE FUNCTION sender.claim(
      p_provider text, p_slots integer, p_window_ms integer, p_pacing text, p_version bigint,
      p_messages uuid[], p_indexes integer[], p_dispatches integer[], p_costs integer[], p_not_after timestamptz[],
      p_holder text, p_incarnation uuid, p_timeout_ms integer, p_claim_limit_ms integer)
    RETURNS TABLE (place integer, verdict text, verdict_at timestamptz, now_at timestamptz)
    LANGUAGE plpgsql
    \(plan) AS $$
    DECLARE
      v_gate sender.gates;
      v_now timestamptz;
      v_after timestamptz;
      v_opens timestamptz;
      v_used bigint;
      v_states text[];
      v_firsts bigint[];
      v_verdicts text[] := '{}';
      v_verdict text;
      v_waiting_cost integer;
    BEGIN
      SELECT * INTO v_gate FROM sender.gates g WHERE g.provider = p_provider FOR UPDATE;
      IF NOT FOUND OR v_gate.settings_version < p_version THEN
        INSERT INTO sender.gates AS g (provider, slots, window_ms, pacing, settings_version)
        VALUES (p_provider, p_slots, p_window_ms, p_pacing, p_version)
        ON CONFLICT (provider) DO UPDATE
          SET slots = excluded.slots, window_ms = excluded.window_ms, pacing = excluded.pacing,
              settings_version = excluded.settings_version
          WHERE g.settings_version < excluded.settings_version;
        SELECT * INTO v_gate FROM sender.gates g WHERE g.provider = p_provider FOR UPDATE;
      END IF;
      v_now := sluice.clock();
      v_after := v_now - (v_gate.window_ms + 1) * interval '1 millisecond';
      -- Anchors and closings that no clock but a stepped one can have set: the gate opens a window from now at the latest.
      UPDATE sender.ledger l SET anchor_at = v_now
      WHERE l.provider = p_provider AND l.anchor_at > v_now + (p_timeout_ms + 60000) * interval '1 millisecond';
      IF v_gate.closed_until_at > v_now + interval '10 minutes' THEN
        UPDATE sender.gates g SET closed_until_at = v_now WHERE g.provider = p_provider;
        v_gate.closed_until_at := v_now;
      END IF;
      v_used := sender.used(p_provider, v_after);

      SELECT array_agg(a.state ORDER BY a.place), array_agg(a.first_place ORDER BY a.place) INTO v_states, v_firsts
      FROM (SELECT k.place, l.state,
                   min(k.place) OVER (PARTITION BY k.message_id, k.unit_index, k.dispatch) AS first_place
            FROM unnest(p_messages, p_indexes, p_dispatches) WITH ORDINALITY AS k(message_id, unit_index, dispatch, place)
            LEFT JOIN sender.ledger l USING (message_id, unit_index, dispatch)) a;
      FOR v_place IN 1 .. cardinality(p_messages) LOOP
        -- Asked for twice in one call: what was decided the first time is so by now.
        v_verdict := CASE WHEN v_firsts[v_place] < v_place THEN v_verdicts[v_firsts[v_place]] ELSE 'wait' END;
        IF v_verdict <> 'wait' THEN
          v_verdict := CASE v_verdict WHEN 'claimed' THEN 'in_flight' WHEN 'late' THEN 'expired' ELSE v_verdict END;
        ELSIF v_states[v_place] IS NOT NULL THEN
          v_verdict := CASE v_states[v_place] WHEN 'claimed' THEN 'in_flight' ELSE v_states[v_place] END;
        ELSIF p_not_after[v_place] <= v_now THEN
          v_verdict := 'late';
        -- Whoever comes after the first that does not fit waits too, so that the order is kept.
        ELSIF v_waiting_cost IS NULL AND v_gate.closed_until_at <= v_now
          AND v_used + least(p_costs[v_place], v_gate.slots) <= v_gate.slots
        THEN
          v_used := v_used + p_costs[v_place];
          v_verdict := 'claimed';
        ELSE
          v_waiting_cost := coalesce(v_waiting_cost, p_costs[v_place]);
          v_verdict := 'wait';
        END IF;
        v_verdicts[v_place] := v_verdict;
      END LOOP;

      INSERT INTO sender.ledger
        (message_id, unit_index, dispatch, provider, state, cost, holder, incarnation, recorded_at, claimed_at,
         orphaned_after_at, anchor_at)
      SELECT a.message_id, a.unit_index, a.dispatch, p_provider, 'claimed', a.cost, p_holder, p_incarnation, v_now, v_now,
             v_now + (p_timeout_ms + 10000) * interval '1 millisecond',
             v_now + CASE v_gate.pacing WHEN 'strict' THEN p_timeout_ms + p_claim_limit_ms ELSE p_claim_limit_ms + 250 END
               * interval '1 millisecond'
      FROM unnest(p_messages, p_indexes, p_dispatches, p_costs, v_verdicts)
        AS a(message_id, unit_index, dispatch, cost, verdict)
      WHERE a.verdict = 'claimed';
      IF 'late' = ANY (v_verdicts) THEN
        INSERT INTO sender.ledger
          (message_id, unit_index, dispatch, provider, state, cost, holder, incarnation, recorded_at)
        SELECT a.message_id, a.unit_index, a.dispatch, p_provider, 'expired', a.cost, p_holder, p_incarnation, v_now
        FROM unnest(p_messages, p_indexes, p_dispatches, p_costs, v_verdicts)
          AS a(message_id, unit_index, dispatch, cost, verdict)
        WHERE a.verdict = 'late'
        ON CONFLICT DO NOTHING;
      END IF;
      IF v_waiting_cost IS NOT NULL THEN
        v_opens := greatest(
          v_gate.closed_until_at, v_now,
          sender.released_at(p_provider, v_after, v_used + least(v_waiting_cost, v_gate.slots) - v_gate.slots)
            + (v_gate.window_ms + 1) * interval '1 millisecond');
      END IF;

      RETURN QUERY
      SELECT a.place::integer, CASE a.verdict WHEN 'late' THEN 'expired' ELSE a.verdict END,
             CASE a.verdict WHEN 'wait' THEN v_opens ELSE v_now END, v_now
      FROM unnest(v_verdicts) WITH ORDINALITY AS a(verdict, place);
    END
    $$;
    """
}
