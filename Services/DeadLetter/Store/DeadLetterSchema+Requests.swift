extension DeadLetterSchema {
  /// What people ask to be done with letters.
  static let requests = """
    -- A unit has one open letter, which goes on with it from death to death.
    ALTER TABLE dead_letter.letters
      DROP CONSTRAINT letters_unit_key,
      ADD COLUMN providers text[],
      ADD COLUMN replay_id uuid,
      ADD COLUMN replayed_from integer[] NOT NULL DEFAULT '{}',
      ADD COLUMN replay_count integer NOT NULL GENERATED ALWAYS AS (cardinality(replayed_from)) STORED;
    COMMENT ON COLUMN dead_letter.letters.dispatch IS 'Of the last attempt before the last death.';
    COMMENT ON COLUMN dead_letter.letters.providers IS 'The only ones that may carry the message; null for all.';
    COMMENT ON COLUMN dead_letter.letters.replay_id IS 'The replay that it is or was part of last.';
    COMMENT ON COLUMN dead_letter.letters.replayed_from IS 'Deaths whose replay ended in another death, each once.';
    COMMENT ON COLUMN dead_letter.letters.replay_count IS 'Replays that ended in another death.';
    UPDATE dead_letter.letters old
    SET state = 'retried', close_reason = 'retry_failed', closed_at = sluice.clock()
    WHERE closed_at IS NULL AND EXISTS (
      SELECT FROM dead_letter.letters new
      WHERE new.message_id = old.message_id AND new.unit_index = old.unit_index AND new.closed_at IS NULL
        AND new.dispatch > old.dispatch);
    CREATE UNIQUE INDEX letters_open_unit_key ON dead_letter.letters (message_id, unit_index) WHERE closed_at IS NULL;
    CREATE INDEX letters_unit_idx ON dead_letter.letters (message_id, unit_index, dispatch);
    DROP INDEX dead_letter.letters_state_idx;
    DROP INDEX dead_letter.letters_created_idx;
    DROP INDEX dead_letter.letters_user_idx;
    CREATE INDEX letters_created_idx ON dead_letter.letters (created_at, letter_id);
    CREATE INDEX letters_state_idx ON dead_letter.letters (state, created_at, letter_id);
    CREATE INDEX letters_kind_idx ON dead_letter.letters (error_type, provider, state, created_at, letter_id);
    CREATE INDEX letters_user_idx ON dead_letter.letters (user_id, error_type, provider, state, created_at, letter_id);
    -- What a preview counts, up to a hundred thousand letters, it finds here without a look at the table.
    CREATE INDEX letters_pending_idx ON dead_letter.letters (created_at, letter_id)
      INCLUDE (user_id, pinned_provider, segments, unit_state) WHERE state = 'pending';
    CREATE INDEX letters_pending_kind_idx ON dead_letter.letters (error_type, provider, created_at, letter_id)
      INCLUDE (user_id, pinned_provider, segments, unit_state) WHERE state = 'pending';
    CREATE INDEX letters_pending_user_idx ON dead_letter.letters (user_id, error_type, provider, created_at, letter_id)
      INCLUDE (pinned_provider, segments, unit_state) WHERE state = 'pending';

    ALTER TABLE dead_letter.early_closings
      DROP CONSTRAINT early_closings_state_check,
      ADD CONSTRAINT early_closings_state_check
        CHECK (state IN ('pending', 'replaying', 'retried', 'abandoned', 'settled')),
      ALTER COLUMN reason DROP NOT NULL,
      ADD COLUMN is_stub boolean NOT NULL DEFAULT false;
    COMMENT ON TABLE dead_letter.early_closings IS 'What overtook the death that it is about, which may come late.';
    COMMENT ON COLUMN dead_letter.early_closings.is_stub IS
      'All that is left of a letter: no death up to this one opens another.';
    CREATE INDEX early_closings_received_idx ON dead_letter.early_closings (received_at);
    COMMENT ON COLUMN dead_letter.early_closings.state IS
      'Of the letter; pending when a replay from this death ended in another one.';

    ALTER TABLE dead_letter.poison
      ADD COLUMN state text NOT NULL DEFAULT 'pending'
        CONSTRAINT poison_state_check CHECK (state IN ('pending', 'retried', 'abandoned')),
      ADD COLUMN returning_body bytea,
      ADD COLUMN closed_at timestamptz,
      ADD COLUMN published_at timestamptz,
      ADD COLUMN failed_at timestamptz,
      ADD CONSTRAINT poison_closed_check CHECK ((closed_at IS NOT NULL) = (state <> 'pending'));
    COMMENT ON COLUMN dead_letter.poison.returning_body IS 'What goes back instead of the body, if mended.';
    COMMENT ON COLUMN dead_letter.poison.published_at IS 'When the broker confirmed that it lies in its queue again.';
    COMMENT ON COLUMN dead_letter.poison.failed_at IS 'When giving it back failed last.';
    DROP INDEX dead_letter.poison_received_idx;
    CREATE INDEX poison_received_idx ON dead_letter.poison (received_at, poison_id);
    CREATE INDEX poison_returning_idx ON dead_letter.poison (closed_at)
      WHERE state = 'retried' AND published_at IS NULL;

    CREATE TABLE dead_letter.requests (
      request_id uuid NOT NULL CONSTRAINT requests_pkey PRIMARY KEY,
      kind text NOT NULL CONSTRAINT requests_kind_check
        CHECK (kind IN ('replay', 'cancel', 'abandon', 'settle', 'return', 'drop')),
      digest text,
      actor_id uuid,
      actor text NOT NULL,
      reason text,
      class text CONSTRAINT requests_class_check CHECK (class IN ('urgent', 'normal', 'bulk')),
      provider text,
      expires_at timestamptz,
      verdict text CONSTRAINT requests_verdict_check CHECK (verdict IN ('sent', 'failed')),
      replay_id uuid,
      letters integer NOT NULL DEFAULT 0,
      segments bigint NOT NULL DEFAULT 0,
      refused integer NOT NULL DEFAULT 0,
      refusal text,
      http_request_id text,
      traceparent text,
      requested_at timestamptz NOT NULL,
      answered_at timestamptz,
      cancelled_at timestamptz,
      ended_at timestamptz
    );
    COMMENT ON TABLE dead_letter.requests IS 'What somebody asked to be done: who, when, why, and with how much.';
    COMMENT ON COLUMN dead_letter.requests.request_id IS 'The id of the command; of a replay it is the replay''s id.';
    COMMENT ON COLUMN dead_letter.requests.digest IS 'Of what a replay asks for; an equal one has to wait for its end.';
    COMMENT ON COLUMN dead_letter.requests.replay_id IS
      'Of a cancellation: the replay that it takes back. Of a replay that did nothing: the equal one that ran already.';
    COMMENT ON COLUMN dead_letter.requests.refused IS
      'Named letters that it could not begin with. Of a cancellation: SMS that go nevertheless.';
    COMMENT ON COLUMN dead_letter.requests.refusal IS 'Why it applied to nothing.';
    COMMENT ON COLUMN dead_letter.requests.answered_at IS 'When the scheduler had answered all its orders.';
    COMMENT ON COLUMN dead_letter.requests.ended_at IS 'When it was known of all its letters what became of them.';
    CREATE UNIQUE INDEX requests_running_key ON dead_letter.requests (digest)
      WHERE kind = 'replay' AND ended_at IS NULL;
    CREATE INDEX requests_requested_idx ON dead_letter.requests (requested_at, request_id);

    CREATE TABLE dead_letter.request_letters (
      request_id uuid NOT NULL
        CONSTRAINT request_letters_request_fkey REFERENCES dead_letter.requests ON DELETE CASCADE,
      letter_id uuid NOT NULL,
      chunk integer NOT NULL,
      dispatch integer NOT NULL,
      result text,
      ended_at timestamptz,
      CONSTRAINT request_letters_pkey PRIMARY KEY (request_id, chunk, letter_id)
    );
    COMMENT ON TABLE dead_letter.request_letters IS 'What each request is about, and what became of it.';
    COMMENT ON COLUMN dead_letter.request_letters.chunk IS 'The order that it goes with.';
    COMMENT ON COLUMN dead_letter.request_letters.result IS 'The unit''s state in the end, or why it was refused.';
    CREATE INDEX request_letters_letter_idx ON dead_letter.request_letters (letter_id);
    CREATE INDEX request_letters_open_idx ON dead_letter.request_letters (request_id) WHERE ended_at IS NULL;

    CREATE TABLE dead_letter.orders (
      command_id uuid NOT NULL CONSTRAINT orders_pkey PRIMARY KEY,
      request_id uuid NOT NULL CONSTRAINT orders_request_fkey REFERENCES dead_letter.requests ON DELETE CASCADE,
      chunk integer NOT NULL,
      created_at timestamptz NOT NULL,
      published_at timestamptz,
      failed_at timestamptz,
      sends integer NOT NULL DEFAULT 0,
      answered_at timestamptz,
      CONSTRAINT orders_chunk_key UNIQUE (request_id, chunk)
    );
    COMMENT ON TABLE dead_letter.orders IS 'Commands to the scheduler: to be published, then to be answered.';
    COMMENT ON COLUMN dead_letter.orders.published_at IS 'When the broker confirmed it last.';
    COMMENT ON COLUMN dead_letter.orders.failed_at IS 'When publishing it failed, since it was confirmed.';
    CREATE INDEX orders_waiting_idx ON dead_letter.orders (created_at) WHERE answered_at IS NULL;

    CREATE OR REPLACE VIEW dead_letter.letters_read AS
      SELECT letter_id AS id, state AS status, unit_state, error_type, error_message, message_id, unit_index, dispatch,
             user_id, class, phone, content, segments, reference, provider, pinned_provider, retry_count, max_attempts,
             attempts, accepted_at, created_at, last_attempt_at, close_reason, closed_at,
             replay_count, replay_id, NULL::text AS queue, NULL::bytea AS body, NULL::jsonb AS headers,
             NULL::integer AS times
      FROM dead_letter.letters
      UNION ALL
      SELECT poison_id, state, NULL, 'poison', error, NULL, NULL, NULL,
             NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0,
             '[]', NULL, received_at, last_received_at, CASE state WHEN 'retried' THEN 'returned' WHEN 'abandoned' THEN
             'dropped' END, closed_at, 0, NULL, queue, body, headers, times
      FROM dead_letter.poison;

    CREATE VIEW dead_letter.requests_read AS
      SELECT request_id AS id, kind, actor_id, actor, reason, class, provider, verdict, expires_at, replay_id, letters,
             segments, requested_at, cancelled_at, ended_at
      FROM dead_letter.requests WHERE kind <> 'replay' OR replay_id IS NULL;
    CREATE VIEW dead_letter.request_letters_read AS
      SELECT request_id, letter_id, result, ended_at FROM dead_letter.request_letters;
    COMMENT ON VIEW dead_letter.requests_read IS 'What the gateway may read.';
    COMMENT ON VIEW dead_letter.request_letters_read IS 'What the gateway may read.';

    DO $$
    BEGIN
      IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'sluice_accounts') THEN
        GRANT SELECT ON dead_letter.requests_read, dead_letter.request_letters_read TO sluice_accounts;
      END IF;
    END $$;
    """
}
