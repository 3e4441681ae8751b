import Postgres

/// The dead-letter service's own tables. Migrations are never edited once released; a change is a new one.
enum DeadLetterSchema {
  static let name = "dead_letter"

  static let migrations = [
    Migration(version: 1, name: "letters, poison, read view", sql: tables),
    Migration(version: 2, name: "requests, reopening, finding", sql: requests + finding),
    Migration(version: 3, name: "choosing among very many", sql: choosing),
    Migration(version: 4, name: "who cancelled a replay", sql: cancelling),
    Migration(version: 5, name: "letters taken back", sql: takingBack),
    Migration(version: 6, name: "redaction of closed letters", sql: redaction),
    Migration(version: 7, name: "dropping by index", sql: dropping),
    Migration(version: 8, name: "previews by allowed providers", sql: previewing),
  ]

  private static let dropping = """
    CREATE INDEX orders_answered_idx ON dead_letter.orders (answered_at) WHERE answered_at IS NOT NULL;
    CREATE INDEX poison_closed_idx ON dead_letter.poison (closed_at) WHERE state <> 'pending';
    CREATE INDEX poison_redactable_idx ON dead_letter.poison (last_received_at)
      WHERE state <> 'pending' AND octet_length(body) > 0;
    """

  private static let tables = """
    CREATE TABLE dead_letter.letters (
      letter_id uuid NOT NULL CONSTRAINT letters_pkey PRIMARY KEY,
      state text NOT NULL DEFAULT 'pending' CONSTRAINT letters_state_check
        CHECK (state IN ('pending', 'replaying', 'retried', 'abandoned', 'settled')),
      unit_state text NOT NULL CONSTRAINT letters_unit_state_check CHECK (unit_state IN (
        'pending', 'sending', 'retrying', 'dead', 'unconfirmed', 'expired', 'cancelled', 'failed', 'sent')),
      error_type text NOT NULL,
      error_message text,
      message_id uuid NOT NULL,
      unit_index integer NOT NULL CONSTRAINT letters_unit_index_check CHECK (unit_index >= 0),
      dispatch integer NOT NULL CONSTRAINT letters_dispatch_check CHECK (dispatch >= 0),
      user_id uuid NOT NULL,
      class text NOT NULL CONSTRAINT letters_class_check CHECK (class IN ('urgent', 'normal', 'bulk')),
      phone text NOT NULL,
      content text NOT NULL,
      segments integer NOT NULL,
      encoding text NOT NULL,
      pinned_provider text,
      reference text,
      provider text,
      retry_count integer NOT NULL,
      max_attempts integer NOT NULL,
      attempts jsonb NOT NULL,
      accepted_at timestamptz NOT NULL,
      died_at timestamptz NOT NULL,
      last_attempt_at timestamptz,
      created_at timestamptz NOT NULL,
      close_reason text,
      closed_at timestamptz,
      CONSTRAINT letters_unit_key UNIQUE (message_id, unit_index, dispatch),
      CONSTRAINT letters_closed_check CHECK ((closed_at IS NOT NULL) = (state IN ('retried', 'abandoned', 'settled')))
    ) WITH (fillfactor = 80);
    COMMENT ON TABLE dead_letter.letters IS 'One row for each death of an SMS, with all that a replay needs.';
    COMMENT ON COLUMN dead_letter.letters.dispatch IS 'Of the last attempt: a unit that dies again has another letter.';
    COMMENT ON COLUMN dead_letter.letters.unit_state IS 'The unit''s last known state.';
    COMMENT ON COLUMN dead_letter.letters.retry_count IS 'Attempts that counted.';
    COMMENT ON COLUMN dead_letter.letters.pinned_provider IS 'The one provider that the message may use, if any.';
    CREATE INDEX letters_state_idx ON dead_letter.letters (state, created_at DESC, letter_id);
    CREATE INDEX letters_created_idx ON dead_letter.letters (created_at DESC, letter_id);
    CREATE INDEX letters_user_idx ON dead_letter.letters (user_id, created_at DESC);
    CREATE INDEX letters_closed_idx ON dead_letter.letters (closed_at) WHERE closed_at IS NOT NULL;

    CREATE TABLE dead_letter.early_closings (
      message_id uuid NOT NULL,
      unit_index integer NOT NULL,
      dispatch integer NOT NULL,
      state text NOT NULL CONSTRAINT early_closings_state_check CHECK (state IN ('retried', 'abandoned', 'settled')),
      unit_state text NOT NULL,
      reason text NOT NULL,
      closed_at timestamptz NOT NULL,
      received_at timestamptz NOT NULL,
      CONSTRAINT early_closings_pkey PRIMARY KEY (message_id, unit_index, dispatch)
    );
    COMMENT ON TABLE dead_letter.early_closings IS 'Closings that overtook the death they belong to, for a day.';

    CREATE TABLE dead_letter.poison (
      poison_id uuid NOT NULL CONSTRAINT poison_pkey PRIMARY KEY,
      queue text NOT NULL,
      exchange text NOT NULL,
      routing_key text NOT NULL,
      envelope_id text,
      type text,
      headers jsonb NOT NULL,
      body bytea NOT NULL,
      error text NOT NULL,
      times integer NOT NULL DEFAULT 1,
      received_at timestamptz NOT NULL,
      last_received_at timestamptz NOT NULL
    );
    COMMENT ON TABLE dead_letter.poison IS 'Broker messages that their consumer could not work with, as they were.';
    COMMENT ON COLUMN dead_letter.poison.times IS 'How often the same message came.';
    CREATE INDEX poison_received_idx ON dead_letter.poison (received_at DESC, poison_id);

    CREATE VIEW dead_letter.letters_read AS
      SELECT letter_id AS id, state AS status, unit_state, error_type, error_message, message_id, unit_index, dispatch,
             user_id, class, phone, content, segments, reference, provider, pinned_provider, retry_count, max_attempts,
             attempts, accepted_at, created_at, last_attempt_at, close_reason, closed_at
      FROM dead_letter.letters;
    COMMENT ON VIEW dead_letter.letters_read IS 'What the gateway may read.';
    DO $$
    BEGIN
      IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'sluice_accounts') THEN
        GRANT SELECT ON dead_letter.letters_read TO sluice_accounts;
      END IF;
    END $$;
    """
}
