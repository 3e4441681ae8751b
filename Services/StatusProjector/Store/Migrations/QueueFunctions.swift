extension ProjectionMigrations {
  /// Position and time as functions for people who query: the same numbers as the API's, from the same heads.
  ///
  /// Bodies in standard SQL follow their tables when a rebuild moves them; the one in PL/pgSQL reads none.
  static let queueFunctions = """
    ALTER TABLE flows ADD CONSTRAINT flows_step CHECK (step > 0);
    ALTER TABLE flows ADD COLUMN returned bigint NOT NULL DEFAULT 0;
    COMMENT ON COLUMN flows.returned IS 'Of the backlog: SMS that came back; they go before all numbers.';
    COMMENT ON COLUMN flows.holes IS
      'Numbers from head_number on that nobody waits for: [{"segment", "count", "bits"}], segment s from number 1024 s on.';
    ALTER TABLE providers ADD COLUMN full_rate double precision;
    COMMENT ON COLUMN providers.full_rate IS
      'While it is asked more rarely after throttling: the rate it comes back to, 5 % of nominal_rate every 30 s.';

    ALTER TABLE recipients ADD COLUMN due_at timestamptz;
    COMMENT ON COLUMN recipients.due_at IS 'For retrying: when it waits again.';
    -- As the view names the row of all; without it every look at the totals would read everybody's.
    CREATE UNIQUE INDEX totals_user_idx ON totals ((nullif(user_id, '00000000-0000-0000-0000-000000000000')))
      NULLS NOT DISTINCT;
    CREATE INDEX recipients_retrying_idx ON recipients (message_id, due_at) WHERE state = 'retrying';
    CREATE OR REPLACE VIEW recipients_read AS
      SELECT r.message_id, r.unit_index, r.phone, r.state, coalesce(r.attempts_used, 0) AS attempts_used, r.provider,
        r.error_code, r.error_message, r.sent_at, r.changed_at,
        coalesce(r.version / 8 > r.resent_after, false) AS may_be_duplicate,
        CASE WHEN r.state = 'retrying' THEN r.due_at END AS due_at
      FROM recipients r
      WHERE r.phone IS NOT NULL;
    COMMENT ON COLUMN recipients_read.due_at IS 'When one that is retrying waits again for its turn; null for any other.';

    CREATE OR REPLACE VIEW flows_read AS
      SELECT flow_id, class, user_id, provider, tag, step, backlog, head_number, holes, returned FROM flows;
    COMMENT ON COLUMN flows_read.returned IS 'Of the backlog: SMS that came back; they go before all numbers.';
    CREATE OR REPLACE VIEW providers_read AS
      SELECT provider, state, pause_reason, adapter, url, rate, window_seconds, weight, overridden, effective_rate,
        nominal_rate, in_flight, gate_opens_at, unhealthy_until, successes, failures, sent, current, full_rate
      FROM providers;
    COMMENT ON COLUMN providers_read.effective_rate IS 'SMS a second to be expected while somebody waits; 0 while nothing goes.';
    COMMENT ON COLUMN providers_read.full_rate IS
      'While it is asked more rarely after throttling: the rate it comes back to, 5 % of nominal_rate every 30 s.';

    CREATE FUNCTION holes_before(holes jsonb, number bigint) RETURNS bigint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    BEGIN ATOMIC
      SELECT coalesce(sum(CASE
        WHEN p.place >= 1024 THEN h.count
        WHEN h.count = 1024 THEN p.place
        WHEN h.bits IS NULL THEN p.place * h.count / 1024
        ELSE bit_count(substring(b.bytes FOR p.place / 8)) + CASE
          WHEN p.place / 8 < length(b.bytes)
          THEN bit_count((get_byte(b.bytes, p.place / 8) & ((1 << (p.place % 8)) - 1))::bit(8)) ELSE 0 END
        END), 0)::bigint
      FROM jsonb_to_recordset(holes) AS h (segment bigint, count int, bits text)
      CROSS JOIN LATERAL (SELECT least(number - h.segment * 1024, 1024)::int AS place) p
      CROSS JOIN LATERAL (SELECT decode(coalesce(h.bits, ''), 'base64') AS bytes) b
      WHERE h.segment * 1024 < number;
    END;
    COMMENT ON FUNCTION holes_before IS 'Numbers of a flow before this one that nobody waits for.';

    CREATE FUNCTION queue_ahead(flow_id bigint, number bigint) RETURNS bigint
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    BEGIN ATOMIC
      SELECT CASE WHEN number < f.head_number THEN 0
        ELSE greatest(0, least(f.backlog,
          f.returned + number - f.head_number - holes_before(f.holes, number))) END
      FROM flows_read f WHERE f.flow_id = queue_ahead.flow_id;
    END;
    COMMENT ON FUNCTION queue_ahead IS 'SMS of the same flow that go before the one with this number.';

    CREATE FUNCTION turns(lead bigint, step bigint, backlog bigint) RETURNS bigint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    BEGIN ATOMIC
      SELECT CASE WHEN lead < 0 THEN 0 ELSE least(lead / step + 1, backlog) END;
    END;
    COMMENT ON FUNCTION turns IS
      'How many of a backlog go before a tag that lies so far behind its own, at so many ticks each.';

    CREATE VIEW going_providers AS
      SELECT provider, effective_rate, nominal_rate, coalesce(full_rate, effective_rate) AS full_rate, full_rate IS NULL AS is_steady,
        coalesce(in_flight, 0) AS in_flight, gate_opens_at
      FROM providers_read WHERE effective_rate > 0 AND state NOT IN ('paused', 'unhealthy');
    COMMENT ON VIEW going_providers IS 'Providers to which SMS go now.';

    CREATE FUNCTION queue_position(flow_id bigint, ahead bigint) RETURNS bigint
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    BEGIN ATOMIC
      WITH own AS (
        SELECT f.*, f.tag + ahead * f.step AS own_tag FROM flows_read f WHERE f.flow_id = queue_position.flow_id
      ), rivals AS (
        SELECT f.* FROM flows_read f, own
        WHERE f.provider IS NULL OR f.provider = own.provider
          OR (own.provider IS NULL AND (f.provider IN (SELECT provider FROM going_providers)
            OR NOT EXISTS (SELECT FROM providers_read WHERE effective_rate IS NOT NULL)))
      ), ranked AS (
        SELECT ahead + coalesce(sum(turns(
          own.own_tag - r.tag - CASE WHEN r.flow_id < own.flow_id THEN 0 ELSE 1 END, r.step, r.backlog)), 0)::bigint AS rank
        FROM own JOIN rivals r ON r.class = own.class AND r.flow_id <> own.flow_id
      ), scales AS (
        SELECT * FROM (VALUES ('urgent', 0, 1048576), ('normal', 1, 4194304), ('bulk', 2, 16777216)) AS s (class, place, step)
      ), placed AS (
        SELECT ranked.rank, s.place, c.tag + ranked.rank * s.step AS tag
        FROM ranked, own JOIN scales s USING (class) JOIN classes_read c USING (class)
      )
      SELECT p.rank + coalesce((
        SELECT sum(turns(p.tag - c.tag - CASE WHEN s.place < p.place THEN 0 ELSE 1 END, s.step, b.backlog))
        FROM (SELECT r.class, sum(r.backlog)::bigint AS backlog FROM rivals r, own WHERE r.class <> own.class GROUP BY r.class) b
        JOIN scales s USING (class) JOIN classes_read c USING (class)), 0)::bigint
      FROM placed p;
    END;
    COMMENT ON FUNCTION queue_position IS
      'SMS that go before the one that has so many others before it in its own flow, in true service order.';

    CREATE FUNCTION seconds_until(
      count double precision, rates double precision[], full_rates double precision[], growths double precision[],
      starts double precision[], global_rate double precision) RETURNS double precision
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
    DECLARE
      steady double precision;
      lower_bound double precision := 0;
      upper_bound double precision;
      middle double precision;
      gone double precision;
    BEGIN
      SELECT min((count + c.taken) / c.slope) INTO steady FROM (
        SELECT sum(rate) OVER w AS slope, sum(rate * start) OVER w AS taken
        FROM unnest(rates, starts) AS p (rate, start) WINDOW w AS (ORDER BY start ROWS UNBOUNDED PRECEDING)) c;
      IF steady IS NULL THEN RETURN NULL; END IF;
      upper_bound := steady;
      IF EXISTS (SELECT FROM unnest(growths) g WHERE g > 0) THEN
        FOR round IN 1..40 LOOP
          EXIT WHEN upper_bound - lower_bound <= 0.001;
          middle := (lower_bound + upper_bound) / 2;
          SELECT sum(CASE
            WHEN p.growth <= 0 OR p.full_rate <= p.rate THEN p.rate * t.time
            ELSE p.rate * g.time + p.growth * g.time * g.time / 2 + p.full_rate * (t.time - g.time) END) INTO gone
          FROM unnest(rates, full_rates, growths, starts) AS p (rate, full_rate, growth, start)
          CROSS JOIN LATERAL (SELECT greatest(0, middle - p.start) AS time) t
          CROSS JOIN LATERAL (SELECT least(t.time, (p.full_rate - p.rate) / nullif(p.growth, 0)) AS time) g;
          IF gone < count THEN lower_bound := middle; ELSE upper_bound := middle; END IF;
        END LOOP;
      END IF;
      upper_bound := greatest(upper_bound, coalesce(count / nullif(global_rate, 0), 0));
      -- Beyond a year nothing is foretold.
      RETURN CASE WHEN upper_bound < 31536000 THEN upper_bound END;
    END
    $$;
    COMMENT ON FUNCTION seconds_until IS
      'Seconds until providers with these rates (SMS a second) have taken so many SMS together; null without a provider.';

    CREATE FUNCTION queue_wait(pinned text, queue_position bigint) RETURNS double precision
    LANGUAGE sql STABLE PARALLEL SAFE
    BEGIN ATOMIC
      SELECT CASE WHEN q.is_sending THEN seconds_until(queue_wait.queue_position, p.rates, p.full_rates, p.growths, p.starts, q.global_rate) END
      FROM queue_read q CROSS JOIN LATERAL (
        SELECT array_agg(g.effective_rate) AS rates, array_agg(g.full_rate) AS full_rates,
          array_agg(CASE WHEN g.is_steady THEN 0 ELSE g.nominal_rate * 0.05 / 30 END) AS growths,
          array_agg(greatest(0, coalesce(extract(epoch FROM g.gate_opens_at - q.as_of), 0)::double precision)
            + g.in_flight / g.effective_rate) AS starts
        FROM going_providers g WHERE pinned IS NULL OR g.provider = pinned
      ) p;
    END;
    COMMENT ON FUNCTION queue_wait IS
      'Seconds from queue.as_of until so many SMS have gone by the providers that one pinned so may use; null while nothing goes.';

    CREATE FUNCTION message_estimate(message_id uuid) RETURNS TABLE (
      queue_position bigint, estimated_start_at timestamptz, estimated_complete_at timestamptz, low_at timestamptz,
      high_at timestamptz, as_of timestamptz, waiting_for text)
    LANGUAGE sql STABLE STRICT
    BEGIN ATOMIC
      WITH message AS (
        SELECT m.*, sluice.clock() AS now_at, coalesce(m.send_at > sluice.clock(), false) AS is_scheduled,
          CASE WHEN m.pending > m.recipient_count - m.dispatched THEN 0
            ELSE queue_ahead(m.flow_id, m.first_number + m.dispatched) END AS ahead
        FROM messages_read m WHERE m.message_id = message_estimate.message_id AND m.is_open AND m.pending + m.retrying > 0
      ), placed AS (
        SELECT m.*, p.first_position, p.last_position,
          queue_wait(m.provider, p.first_position) AS start_wait, queue_wait(m.provider, p.last_position) AS complete_wait
        FROM message m CROSS JOIN LATERAL (
          SELECT queue_position(m.flow_id, m.ahead) AS first_position,
            queue_position(m.flow_id, CASE WHEN m.dispatched >= m.recipient_count THEN greatest(0, m.pending - 1)
              ELSE greatest(m.ahead, queue_ahead(m.flow_id, m.first_number + m.recipient_count - 1)) END) AS last_position
          WHERE m.pending > 0
          UNION ALL SELECT NULL, NULL WHERE m.pending = 0
        ) p
      ), timed AS (
        SELECT p.*, q.as_of, q.is_sending, t.start_at, t.complete_at, t.low, t.high,
          CASE WHEN p.is_scheduled THEN greatest(interval '0', p.send_at - t.start_at) ELSE interval '0' END AS shift
        FROM placed p LEFT JOIN queue_read q ON true
        CROSS JOIN LATERAL (
          SELECT CASE WHEN EXISTS (SELECT FROM classes_read c WHERE c.backlog > 0) THEN q.as_of ELSE p.now_at END AS base) b
        CROSS JOIN LATERAL (
          SELECT greatest(p.now_at, b.base + make_interval(secs => p.start_wait)) AS start_at,
            greatest(p.now_at, b.base + make_interval(secs => p.complete_wait)) AS complete_at,
            greatest(p.now_at, b.base + make_interval(secs => greatest(0, p.complete_wait * 0.93 - 0.8))) AS low,
            greatest(p.now_at, b.base + make_interval(secs => p.complete_wait * 1.15 + 0.8)) AS high
          WHERE p.start_wait IS NOT NULL AND NOT p.paused AND p.now_at - q.as_of < interval '75 seconds'
          UNION ALL SELECT NULL, NULL, NULL, NULL
          LIMIT 1
        ) t
      )
      SELECT CASE WHEN NOT t.paused AND NOT t.is_scheduled THEN t.first_position END,
        t.start_at + t.shift, t.complete_at + t.shift, t.low + t.shift, t.high + t.shift,
        CASE WHEN NOT t.paused AND t.first_position IS NOT NULL THEN t.as_of END,
        CASE
          WHEN t.paused THEN 'message_paused'
          WHEN t.is_scheduled THEN 'schedule'
          WHEN t.pending = 0 THEN 'retry_backoff'
          WHEN t.as_of IS NULL THEN NULL
          WHEN NOT t.is_sending THEN 'provider_paused'
          WHEN u.providers > 0 AND u.working = 0 THEN
            CASE WHEN u.paused = u.providers THEN 'provider_paused' ELSE 'provider_unhealthy' END
          WHEN u.working > 0 AND u.going = 0 THEN
            CASE WHEN u.healthy = u.working THEN 'no_sender' ELSE 'provider_unhealthy' END
          WHEN coalesce(t.first_position, 0) > coalesce(t.ahead, 0) THEN 'fair_share'
          ELSE 'meter'
        END
      FROM timed t CROSS JOIN LATERAL (
        SELECT count(*) AS providers, count(*) FILTER (WHERE state = 'paused') AS paused,
          count(*) FILTER (WHERE state IN ('healthy', 'probing')) AS working,
          count(*) FILTER (WHERE state = 'healthy') AS healthy,
          count(*) FILTER (WHERE state IN ('healthy', 'probing') AND effective_rate > 0) AS going
        FROM providers_read r WHERE t.provider IS NULL OR r.provider = t.provider
      ) u;
    END;
    COMMENT ON FUNCTION message_estimate IS
      'Where a message that waits stands, when it goes and what it waits for, as the API says it; no row for any other.
      Where some of those who wait are pinned to a provider and others are not, the API runs the queue forward, and its times are nearer.';

    DO $$
    BEGIN
      IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'sluice_accounts') THEN
        GRANT SELECT ON going_providers TO sluice_accounts;
      END IF;
    END
    $$;
    """
}
