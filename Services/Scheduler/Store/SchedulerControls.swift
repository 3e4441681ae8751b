/// What can be asked of messages, users, providers and all sending, in tables.
enum SchedulerControls {
  static let tables = """
    ALTER TABLE scheduler.messages
      ADD COLUMN send_at timestamptz,
      ADD COLUMN is_due boolean NOT NULL DEFAULT true,
      ADD COLUMN is_paused boolean NOT NULL DEFAULT false,
      ADD COLUMN ended text CONSTRAINT messages_ended_check CHECK (ended IN ('cancelled', 'expired')),
      ADD COLUMN cut_from integer,
      ADD COLUMN cut_state text,
      ADD CONSTRAINT messages_cut_check CHECK (
        (cut_from IS NULL AND cut_state IS NULL)
        OR (cut_from BETWEEN 0 AND total AND cut_state IN ('cancelled', 'expired') AND cursor = total));
    COMMENT ON COLUMN scheduler.messages.is_due IS 'False while send_at lies ahead: the message does not wait yet.';
    COMMENT ON COLUMN scheduler.messages.ended IS 'Units that come back end with the message instead of waiting again.';
    COMMENT ON COLUMN scheduler.messages.cut_from IS
      'Units from this index on were never dispatched and are all in cut_state; they have no rows.';

    DROP INDEX scheduler.messages_backlog_idx;
    CREATE INDEX messages_backlog_idx ON scheduler.messages (flow_id, first_number)
      WHERE cursor < total AND is_due AND NOT is_paused;
    CREATE INDEX messages_scheduled_idx ON scheduler.messages (send_at) WHERE NOT is_due AND ended IS NULL;
    CREATE INDEX messages_expiry_idx ON scheduler.messages (expires_at)
      WHERE expires_at IS NOT NULL AND ended IS NULL AND finished_at IS NULL;
    CREATE INDEX messages_open_idx ON scheduler.messages (flow_id, message_id) WHERE finished_at IS NULL;
    CREATE INDEX messages_finished_idx ON scheduler.messages (finished_at) WHERE finished_at IS NOT NULL;

    ALTER TABLE scheduler.units ADD COLUMN failed_providers text[] NOT NULL DEFAULT '{}';
    COMMENT ON COLUMN scheduler.units.failed_providers IS 'Skipped at the next dispatch while another provider works.';
    ALTER TABLE scheduler.units ADD COLUMN is_resent boolean NOT NULL DEFAULT false;
    COMMENT ON COLUMN scheduler.units.is_resent IS 'Sent again after an unknown outcome: it may arrive twice. Once is enough.';
    DROP INDEX scheduler.units_open_idx;
    CREATE INDEX units_open_idx ON scheduler.units (message_id, state)
      WHERE state IN ('pending', 'sending', 'retrying');

    CREATE TABLE scheduler.inbox (
      command_id uuid NOT NULL CONSTRAINT inbox_pkey PRIMARY KEY,
      received_at timestamptz NOT NULL
    );
    COMMENT ON TABLE scheduler.inbox IS 'Commands that have been carried out: a repeat changes nothing.';
    CREATE INDEX inbox_received_idx ON scheduler.inbox (received_at);

    CREATE TABLE scheduler.early_commands (
      command_id uuid NOT NULL CONSTRAINT early_commands_pkey PRIMARY KEY,
      message_id uuid NOT NULL,
      body text NOT NULL,
      received_at timestamptz NOT NULL
    );
    COMMENT ON TABLE scheduler.early_commands IS
      'Commands that overtook their message; they are carried out when it arrives, or dropped after 24 h.';
    CREATE INDEX early_commands_message_idx ON scheduler.early_commands (message_id);

    CREATE TABLE scheduler.paused_users (
      user_id uuid NOT NULL CONSTRAINT paused_users_pkey PRIMARY KEY,
      paused_at timestamptz NOT NULL
    );

    CREATE TABLE scheduler.user_cancellations (
      command_id uuid NOT NULL CONSTRAINT user_cancellations_pkey PRIMARY KEY,
      user_id uuid NOT NULL,
      before_at timestamptz NOT NULL,
      body text NOT NULL,
      counts text NOT NULL,
      done_at timestamptz
    );
    COMMENT ON TABLE scheduler.user_cancellations IS
      'What a user had accepted before a moment is cancelled, also what arrives late; counts are those of the answer.';
    CREATE INDEX user_cancellations_user_idx ON scheduler.user_cancellations (user_id, before_at);

    CREATE TABLE scheduler.sending (
      singleton boolean NOT NULL DEFAULT true CONSTRAINT sending_pkey PRIMARY KEY
        CONSTRAINT sending_singleton_check CHECK (singleton),
      is_on boolean NOT NULL DEFAULT true
    );
    COMMENT ON TABLE scheduler.sending IS 'The switch for all sending.';
    INSERT INTO scheduler.sending DEFAULT VALUES;

    ALTER TABLE scheduler.providers
      ADD COLUMN override_slots integer CONSTRAINT providers_slots_check CHECK (override_slots > 0),
      ADD COLUMN override_window_ms integer CONSTRAINT providers_window_check CHECK (override_window_ms > 0),
      ADD COLUMN override_weight double precision CONSTRAINT providers_weight_check CHECK (override_weight > 0),
      ADD COLUMN override_paused boolean,
      ADD COLUMN has_refused_credentials boolean NOT NULL DEFAULT false,
      ADD COLUMN halved_rate double precision,
      ADD COLUMN halved_at timestamptz,
      ADD COLUMN unhealthy_until_at timestamptz,
      ADD COLUMN sent bigint NOT NULL DEFAULT 0,
      ADD CONSTRAINT providers_halved_check CHECK ((halved_rate IS NULL) = (halved_at IS NULL));
    COMMENT ON COLUMN scheduler.providers.slots IS 'The limit in force: the override where there is one, else the file.';
    COMMENT ON COLUMN scheduler.providers.override_paused IS 'An admin''s word; null leaves it to the providers file.';
    """
}
