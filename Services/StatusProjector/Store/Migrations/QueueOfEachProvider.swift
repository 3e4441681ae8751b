extension ProjectionMigrations {
  /// A queue at each provider: sets of providers, and tags by provider. Position and time follow.
  static let queueOfEachProvider = """
    ALTER TABLE messages ADD COLUMN providers text[];
    ALTER TABLE flows ADD COLUMN providers text[], ADD COLUMN tags jsonb NOT NULL DEFAULT '{}',
      ADD COLUMN steps jsonb NOT NULL DEFAULT '{}', ADD COLUMN as_of timestamptz NOT NULL DEFAULT '-infinity';
    COMMENT ON COLUMN flows.as_of IS 'When it was told last, or later.';
    COMMENT ON COLUMN flows.providers IS 'The only ones that may carry its SMS, in order; null for any.';
    COMMENT ON COLUMN flows.tag IS 'Virtual start tag of its next SMS at every provider that tags does not name.';
    COMMENT ON COLUMN flows.tags IS 'Virtual start tag of its next SMS by provider.';
    COMMENT ON COLUMN flows.steps IS 'What each SMS adds to the tag, by provider; step at every other.';
    UPDATE flows SET providers = ARRAY[provider] WHERE provider IS NOT NULL;
    ALTER TABLE classes ADD COLUMN turns jsonb NOT NULL DEFAULT '{}';
    COMMENT ON COLUMN classes.turns IS
      'By provider: {"tag", "virtual_time"}; tag and virtual_time are those of every other.';

    CREATE OR REPLACE VIEW messages_read AS
      SELECT m.message_id, m.user_id, m.class, m.content, m.reference, m.provider, m.segments, m.encoding,
        m.recipient_count, m.first_phone, m.accepted_at, m.send_at, m.expires_at, m.flow_id, m.first_number,
        m.dispatched, m.pending, m.sending, m.retrying, m.sent, m.failed, m.dead, m.expired, m.cancelled,
        m.unconfirmed, m.job_status,
        m.is_open AND (m.paused OR coalesce(u.paused, false)) AS paused,
        m.sent_at,
        CASE WHEN NOT m.is_open THEN greatest(m.finished_at, m.changed_at) END AS completed_at,
        m.last_reply_status, m.last_reply_body, m.is_open, m.has_unsent, m.redacted_at, m.providers,
        m.is_open AND coalesce(u.paused, false) AS user_paused
      FROM messages m LEFT JOIN user_pauses u USING (user_id)
      WHERE m.accepted_at IS NOT NULL;
    COMMENT ON COLUMN messages_read.providers IS 'The only ones that may carry it, when it is pinned to none; null for any.';
    COMMENT ON COLUMN messages_read.user_paused IS 'All of its user''s traffic is held back; false once it is final.';
    CREATE OR REPLACE VIEW flows_read AS
      SELECT flow_id, class, user_id, provider, tag, step, backlog, head_number, holes, returned, providers, tags, steps
      FROM flows;
    COMMENT ON COLUMN flows_read.providers IS 'The only ones that may carry its SMS, in order; null for any.';
    COMMENT ON COLUMN flows_read.tags IS 'Virtual start tag of its next SMS by provider; tag at every other.';
    COMMENT ON COLUMN flows_read.steps IS 'What each SMS adds to the tag, by provider; step at every other.';
    CREATE OR REPLACE VIEW classes_read AS SELECT class, tag, backlog, virtual_time, turns FROM classes;
    COMMENT ON COLUMN classes_read.turns IS
      'By provider: {"tag", "virtual_time"}; tag and virtual_time are those of every other.';

    DROP FUNCTION message_estimate;
    DROP FUNCTION queue_wait;
    DROP FUNCTION queue_position;

    CREATE FUNCTION meeting(going text[], own text[], other text[]) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    BEGIN ATOMIC
      SELECT CASE
        WHEN cardinality(going) > 0 AND (own IS NULL OR going && own) THEN (
          SELECT g.provider FROM unnest(going) WITH ORDINALITY AS g (provider, place)
          WHERE (own IS NULL OR g.provider = ANY (own)) AND (other IS NULL OR g.provider = ANY (other))
          ORDER BY g.place LIMIT 1)
        WHEN own IS NULL THEN coalesce(other[1], '')
        WHEN other IS NULL THEN own[1]
        ELSE (
          SELECT o.provider FROM unnest(own) WITH ORDINALITY AS o (provider, place) WHERE o.provider = ANY (other)
          ORDER BY o.place LIMIT 1)
      END;
    END;
    COMMENT ON FUNCTION meeting IS
      'The provider at which SMS of one set wait for those of another (null: any provider): the first of those that work
      (going: the fastest first) that both may use; null where they take no turn from each other.';

    CREATE FUNCTION queue_position(flow_id bigint, ahead bigint) RETURNS bigint
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    BEGIN ATOMIC
      WITH going AS (
        SELECT coalesce(array_agg(provider ORDER BY effective_rate DESC, provider), '{}') AS names FROM going_providers
      ), own AS (
        SELECT f.*, meeting(going.names, f.providers, f.providers) AS home
        FROM flows_read f, going WHERE f.flow_id = queue_position.flow_id
      ), rivals AS (
        SELECT r.class, r.flow_id, r.backlog, coalesce((r.tags ->> m.place)::bigint, r.tag) AS tag,
          coalesce((r.steps ->> m.place)::bigint, r.step) AS step,
          coalesce((own.tags ->> m.place)::bigint, own.tag)
            + ahead * coalesce((own.steps ->> m.place)::bigint, own.step) AS own_tag
        FROM own, going, flows_read r
        CROSS JOIN LATERAL (SELECT meeting(going.names, own.providers, r.providers) AS place) m
        WHERE m.place IS NOT NULL
      ), ranked AS (
        SELECT ahead + coalesce(sum(turns(
          r.own_tag - r.tag - CASE WHEN r.flow_id < own.flow_id THEN 0 ELSE 1 END, r.step, r.backlog)), 0)::bigint AS rank
        FROM own JOIN rivals r ON r.class = own.class AND r.flow_id <> own.flow_id
      ), scales AS (
        SELECT s.class, s.place, s.step, coalesce((c.turns -> own.home ->> 'tag')::bigint, c.tag) AS tag
        FROM (VALUES ('urgent', 0, 1048576), ('normal', 1, 4194304), ('bulk', 2, 16777216)) AS s (class, place, step)
        JOIN classes_read c USING (class) CROSS JOIN own
      ), placed AS (
        SELECT ranked.rank, s.place, s.tag + ranked.rank * s.step AS tag FROM ranked, own JOIN scales s USING (class)
      )
      SELECT p.rank + coalesce((
        SELECT sum(turns(p.tag - s.tag - CASE WHEN s.place < p.place THEN 0 ELSE 1 END, s.step, b.backlog))
        FROM (SELECT r.class, sum(r.backlog)::bigint AS backlog FROM rivals r, own WHERE r.class <> own.class GROUP BY r.class) b
        JOIN scales s USING (class)), 0)::bigint
      FROM placed p;
    END;
    COMMENT ON FUNCTION queue_position IS
      'SMS that go before the one that has so many others before it in its own flow: in true service order where all that
      wait for its providers use one provider. Where some of them may use others, too, the API runs the queue forward.';

    CREATE FUNCTION queue_wait(usable text[], queue_position bigint) RETURNS double precision
    LANGUAGE sql STABLE PARALLEL SAFE
    BEGIN ATOMIC
      SELECT CASE WHEN q.is_sending THEN seconds_until(queue_wait.queue_position, p.rates, p.full_rates, p.growths, p.starts, q.global_rate) END
      FROM queue_read q CROSS JOIN LATERAL (
        SELECT array_agg(g.effective_rate) AS rates, array_agg(g.full_rate) AS full_rates,
          array_agg(CASE WHEN g.is_steady THEN 0 ELSE g.nominal_rate * 0.05 / 30 END) AS growths,
          array_agg(greatest(0, coalesce(extract(epoch FROM g.gate_opens_at - q.as_of), 0)::double precision)
            + g.in_flight / g.effective_rate) AS starts
        FROM going_providers g WHERE usable IS NULL OR g.provider = ANY (usable)
      ) p;
    END;
    COMMENT ON FUNCTION queue_wait IS
      'Seconds from queue.as_of until so many SMS have gone by these providers (null: by any); null while nothing goes.';

    CREATE FUNCTION message_estimate(message_id uuid) RETURNS TABLE (
      queue_position bigint, estimated_start_at timestamptz, estimated_complete_at timestamptz, low_at timestamptz,
      high_at timestamptz, as_of timestamptz, waiting_for text)
    LANGUAGE sql STABLE STRICT
    BEGIN ATOMIC
      WITH message AS (
        SELECT m.*, CASE WHEN m.provider IS NULL THEN m.providers ELSE ARRAY[m.provider] END AS usable, sluice.clock() AS now_at, coalesce(m.send_at > sluice.clock(), false) AS is_scheduled,
          CASE WHEN m.pending > m.recipient_count - m.dispatched THEN 0
            ELSE queue_ahead(m.flow_id, m.first_number + m.dispatched) END AS ahead
        FROM messages_read m WHERE m.message_id = message_estimate.message_id AND m.is_open AND m.pending + m.retrying > 0
      ), placed AS (
        SELECT m.*, p.first_position, p.last_position,
          queue_wait(m.usable, p.first_position) AS start_wait,
          queue_wait(m.usable, p.last_position) AS complete_wait
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
          WHEN t.user_paused THEN 'user_paused'
          WHEN t.paused THEN 'message_paused'
          WHEN t.is_scheduled THEN 'schedule'
          WHEN t.pending = 0 THEN 'retry_backoff'
          WHEN t.as_of IS NULL THEN NULL
          WHEN NOT t.is_sending THEN 'sending_stopped'
          WHEN u.providers = 0 AND EXISTS (SELECT FROM providers_read WHERE effective_rate IS NOT NULL) THEN 'provider_removed'
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
        FROM providers_read r WHERE t.usable IS NULL OR r.provider = ANY (t.usable)
      ) u;
    END;
    COMMENT ON FUNCTION message_estimate IS
      'Where a message that waits stands, when it goes and what it waits for, as the API says it; no row for any other.
      Where some of those who wait for its providers may use others, too, the API runs the queue forward, and is nearer.';
    """
}
