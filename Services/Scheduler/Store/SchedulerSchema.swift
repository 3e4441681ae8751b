import Postgres

/// The scheduler's own tables. Migrations are never edited once released; a change is a new one.
enum SchedulerSchema {
  static let name = "scheduler"

  static let migrations = [
    Migration(version: 1, name: "backlog, units, attempts, outbox", sql: tables),
    Migration(version: 2, name: "schedule, expiry, commands, provider conditions", sql: SchedulerControls.tables),
    Migration(version: 3, name: "allowed providers", sql: allowedProviders),
    Migration(version: 4, name: "replays", sql: ReplaySchema.tables),
    Migration(version: 5, name: "replays cancelled in steps", sql: ReplaySchema.cancellations),
    Migration(version: 6, name: "answers that are given again", sql: ReplaySchema.answers),
    Migration(version: 7, name: "retries in steps", sql: RetrySchema.tables),
    Migration(version: 8, name: "how far the log was read", sql: AcceptanceStore.tables),
    Migration(version: 9, name: "attempts that were not sent", sql: unsent),
    Migration(version: 10, name: "dropping by index", sql: dropping),
    Migration(version: 11, name: "a queue for each provider", sql: queueOfEachProvider),
    Migration(version: 12, name: "the backlog of each flow", sql: BacklogSchema.sql),
  ]

  private static let unsent = """
    ALTER TABLE scheduler.units ADD COLUMN unsent integer NOT NULL DEFAULT 0, ADD COLUMN unsent_since_at timestamptz;
    COMMENT ON COLUMN scheduler.units.unsent IS
      'Attempts in a row that failed before their first byte; they do not count while the first is less than an hour ago.';
    """

  private static let allowedProviders = """
    ALTER TABLE scheduler.messages ADD COLUMN providers text[]
      CONSTRAINT messages_providers_check CHECK (cardinality(providers) > 0);
    COMMENT ON COLUMN scheduler.messages.providers IS 'The only ones that may carry it; NULL for all.';
    """

  private static let dropping = """
    CREATE INDEX early_commands_received_idx ON scheduler.early_commands (received_at);
    CREATE INDEX user_cancellations_done_idx ON scheduler.user_cancellations (done_at) WHERE done_at IS NOT NULL;
    CREATE INDEX replay_cancellations_done_idx ON scheduler.replay_cancellations (done_at) WHERE done_at IS NOT NULL;
    CREATE INDEX cancelled_replays_at_idx ON scheduler.cancelled_replays (cancelled_at);
    """

  /// The old tags were those of one clock for all providers, which says nothing of any one of them.
  private static let queueOfEachProvider = """
    ALTER TABLE scheduler.flows DROP COLUMN tag, ADD COLUMN tags text NOT NULL DEFAULT '{}';
    COMMENT ON TABLE scheduler.flows IS 'What shares one queue: class, user and the providers that may carry it.';
    COMMENT ON COLUMN scheduler.flows.provider IS
      'Their names with commas between, in order: one for a pin, empty for any provider.';
    COMMENT ON COLUMN scheduler.flows.tags IS
      'Virtual start tag of the next SMS at each provider, as of the last dispatch: JSON by name. One that is missing starts at the virtual time.';

    CREATE TABLE scheduler.clocks (
      singleton boolean NOT NULL DEFAULT true CONSTRAINT clocks_pkey PRIMARY KEY
        CONSTRAINT clocks_singleton_check CHECK (singleton),
      clocks text NOT NULL DEFAULT '{}'
    ) WITH (fillfactor = 50);
    COMMENT ON TABLE scheduler.clocks IS
      'Virtual time and class tags of each provider, as of the last dispatch: JSON by name.';
    INSERT INTO scheduler.clocks DEFAULT VALUES;
    """

  private static let tables = """
    CREATE TABLE scheduler.flows (
      flow_id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT flows_pkey PRIMARY KEY,
      class text NOT NULL CONSTRAINT flows_class_check CHECK (class IN ('urgent', 'normal', 'bulk')),
      user_id uuid NOT NULL,
      provider text NOT NULL DEFAULT '',
      weight double precision NOT NULL CONSTRAINT flows_weight_check CHECK (weight > 0),
      next_number bigint NOT NULL DEFAULT 0,
      tag bigint NOT NULL DEFAULT 0,
      CONSTRAINT flows_key UNIQUE (class, user_id, provider)
    ) WITH (fillfactor = 70);
    COMMENT ON TABLE scheduler.flows IS 'What shares one queue: class, user and pinned provider ('''' for none).';
    COMMENT ON COLUMN scheduler.flows.next_number IS 'The number that the next SMS of the flow gets.';
    COMMENT ON COLUMN scheduler.flows.tag IS 'Virtual start tag of the next SMS, as of the last dispatch.';

    CREATE TABLE scheduler.messages (
      message_id uuid NOT NULL CONSTRAINT messages_pkey PRIMARY KEY,
      flow_id bigint NOT NULL CONSTRAINT messages_flow_fkey REFERENCES scheduler.flows,
      first_number bigint NOT NULL,
      content text NOT NULL,
      recipients text[] NOT NULL,
      total integer NOT NULL CONSTRAINT messages_total_check CHECK (total > 0),
      cursor integer NOT NULL DEFAULT 0,
      segments integer NOT NULL,
      encoding text NOT NULL,
      reference text,
      request_id text,
      traceparent text,
      accepted_at timestamptz NOT NULL,
      queued_at timestamptz NOT NULL,
      expires_at timestamptz,
      sent integer NOT NULL DEFAULT 0,
      failed integer NOT NULL DEFAULT 0,
      dead integer NOT NULL DEFAULT 0,
      expired integer NOT NULL DEFAULT 0,
      cancelled integer NOT NULL DEFAULT 0,
      unconfirmed integer NOT NULL DEFAULT 0,
      finished_at timestamptz,
      CONSTRAINT messages_cursor_check CHECK (cursor BETWEEN 0 AND total),
      CONSTRAINT messages_counts_check CHECK (
        least(sent, failed, dead, expired, cancelled, unconfirmed) >= 0
        AND sent + failed + dead + expired + cancelled + unconfirmed <= total),
      CONSTRAINT messages_finished_check CHECK (
        (finished_at IS NOT NULL) = (sent + failed + dead + expired + cancelled + unconfirmed = total))
    ) WITH (fillfactor = 70);
    COMMENT ON TABLE scheduler.messages IS
      'One row for each message, whatever its size: units before the cursor have been dispatched.';
    CREATE INDEX messages_backlog_idx ON scheduler.messages (flow_id, first_number) WHERE cursor < total;

    CREATE TABLE scheduler.units (
      message_id uuid NOT NULL CONSTRAINT units_message_fkey REFERENCES scheduler.messages,
      unit_index integer NOT NULL,
      dispatch integer NOT NULL,
      state text NOT NULL CONSTRAINT units_state_check CHECK (state IN
        ('pending', 'sending', 'retrying', 'dead', 'unconfirmed', 'expired', 'cancelled', 'failed', 'sent')),
      attempts_used integer NOT NULL DEFAULT 0,
      throttles integer NOT NULL DEFAULT 0,
      due_at timestamptz,
      CONSTRAINT units_pkey PRIMARY KEY (message_id, unit_index),
      CONSTRAINT units_due_check CHECK ((state = 'retrying') = (due_at IS NOT NULL))
    ) WITH (fillfactor = 70);
    COMMENT ON TABLE scheduler.units IS
      'One row for each unit that was dispatched at least once. pending and retrying are the units that came back.';
    CREATE INDEX units_open_idx ON scheduler.units (state) WHERE state IN ('pending', 'sending', 'retrying');

    CREATE TABLE scheduler.attempts (
      message_id uuid NOT NULL,
      unit_index integer NOT NULL,
      dispatch integer NOT NULL,
      provider text NOT NULL,
      command_id uuid NOT NULL,
      cost integer NOT NULL,
      issued_at timestamptz NOT NULL,
      not_after_at timestamptz NOT NULL,
      outcome text CONSTRAINT attempts_outcome_check CHECK (outcome IN
        ('accepted', 'rejected', 'retryable', 'throttled', 'refused_credentials', 'unknown', 'expired')),
      reply_status integer,
      reply_body text,
      error_code text,
      started_at timestamptz,
      finished_at timestamptz,
      CONSTRAINT attempts_pkey PRIMARY KEY (message_id, unit_index, dispatch)
    ) WITH (fillfactor = 80);
    COMMENT ON TABLE scheduler.attempts IS
      'One row for each attempt, written in the transaction that dispatches it: the outbox of its send command.';

    CREATE TABLE scheduler.outbox (
      outbox_id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT outbox_pkey PRIMARY KEY,
      type text NOT NULL,
      envelope_id uuid NOT NULL,
      body text NOT NULL
    );
    COMMENT ON TABLE scheduler.outbox IS 'Facts that the broker has not confirmed yet.';

    CREATE TABLE scheduler.providers (
      name text NOT NULL CONSTRAINT providers_pkey PRIMARY KEY,
      slots integer NOT NULL,
      window_ms integer NOT NULL,
      pacing text NOT NULL,
      settings_version bigint NOT NULL DEFAULT 1
    );
    COMMENT ON TABLE scheduler.providers IS
      'The limits that were last in force; the version rises when one changes, so that gates know the newer.';

    CREATE TABLE scheduler.leadership (
      singleton boolean NOT NULL DEFAULT true CONSTRAINT leadership_pkey PRIMARY KEY
        CONSTRAINT leadership_singleton_check CHECK (singleton),
      holder text NOT NULL,
      incarnation uuid,
      epoch bigint NOT NULL,
      until_at timestamptz NOT NULL
    ) WITH (fillfactor = 70);
    INSERT INTO scheduler.leadership (holder, epoch, until_at) VALUES ('', 0, '-infinity');
    """
}
