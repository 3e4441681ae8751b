extension ProjectionMigrations {
  /// What the log says, one row per thing, and how far the log has been read.
  static let readTables = """
    CREATE TABLE leadership (
      singleton boolean CONSTRAINT leadership_pkey PRIMARY KEY DEFAULT true,
      holder text NOT NULL DEFAULT '',
      incarnation uuid,
      epoch bigint NOT NULL DEFAULT 0,
      until_at timestamptz NOT NULL DEFAULT '-infinity',
      CONSTRAINT leadership_one_row CHECK (singleton)
    ) WITH (fillfactor = 50);
    COMMENT ON TABLE leadership IS
      'Who folds. Every fold checks the epoch, so that a deposed projector writes nothing.';
    INSERT INTO leadership DEFAULT VALUES;

    CREATE TABLE progress (
      singleton boolean CONSTRAINT progress_pkey PRIMARY KEY DEFAULT true,
      log_offset bigint,
      log_time timestamptz,
      folded_at timestamptz,
      CONSTRAINT progress_one_row CHECK (singleton)
    ) WITH (fillfactor = 50);
    COMMENT ON TABLE progress IS
      'The last offset of events.log whose fact is in the tables; written in the same transaction as its rows.';
    INSERT INTO progress DEFAULT VALUES;

    CREATE TABLE messages (
      message_id uuid CONSTRAINT messages_pkey PRIMARY KEY,
      user_id uuid,
      class text,
      content text,
      reference text,
      provider text,
      segments int,
      encoding text,
      recipient_count int,
      first_phone text,
      accepted_at timestamptz,
      send_at timestamptz,
      expires_at timestamptz,
      flow_id bigint,
      first_number bigint,
      dispatched int NOT NULL DEFAULT 0,
      pending int NOT NULL DEFAULT 0,
      sending int NOT NULL DEFAULT 0,
      retrying int NOT NULL DEFAULT 0,
      sent int NOT NULL DEFAULT 0,
      failed int NOT NULL DEFAULT 0,
      dead int NOT NULL DEFAULT 0,
      expired int NOT NULL DEFAULT 0,
      cancelled int NOT NULL DEFAULT 0,
      unconfirmed int NOT NULL DEFAULT 0,
      paused boolean NOT NULL DEFAULT false,
      sent_at timestamptz,
      changed_at timestamptz,
      finished_at timestamptz,
      last_reply_at timestamptz,
      last_reply_index int,
      last_reply_dispatch int,
      last_reply_status int,
      last_reply_body text,
      job_status text NOT NULL GENERATED ALWAYS AS (
        CASE
          WHEN sending + retrying + sent + failed + dead + expired + cancelled + unconfirmed = 0 THEN 'pending'
          WHEN pending + sending + retrying > 0 THEN 'sending'
          WHEN failed + dead + expired + cancelled + unconfirmed = 0 THEN 'completed'
          WHEN sent + expired + cancelled + unconfirmed = 0 THEN 'failed'
          WHEN sent + failed + dead + expired + unconfirmed = 0 THEN 'cancelled'
          WHEN sent + failed + dead + cancelled + unconfirmed = 0 THEN 'expired'
          WHEN sent + failed + dead + expired + cancelled = 0 THEN 'unconfirmed'
          ELSE 'partial'
        END) STORED,
      CONSTRAINT messages_class CHECK (class IN ('urgent', 'normal', 'bulk')),
      CONSTRAINT messages_accepted_whole CHECK (
        accepted_at IS NULL
        OR num_nulls(user_id, class, content, segments, encoding, recipient_count) = 0),
      CONSTRAINT messages_counts CHECK (
        least(pending, sending, retrying, sent, failed, dead, expired, cancelled, unconfirmed) >= 0)
    ) WITH (fillfactor = 70);
    COMMENT ON TABLE messages IS
      'One row per message. A fact about its units may come before the message itself: then accepted_at is null.';
    CREATE INDEX messages_newest_idx ON messages (accepted_at DESC, message_id DESC);
    CREATE INDEX messages_user_newest_idx ON messages (user_id, accepted_at DESC, message_id DESC);
    CREATE INDEX messages_reference_idx ON messages (user_id, reference) WHERE reference IS NOT NULL;

    CREATE TABLE recipients (
      message_id uuid,
      unit_index int,
      phone text,
      version bigint NOT NULL,
      state text NOT NULL,
      provider text,
      changed_at timestamptz NOT NULL,
      detail_version bigint,
      attempts_used int,
      error_code text,
      error_message text,
      sent_at timestamptz,
      CONSTRAINT recipients_pkey PRIMARY KEY (message_id, unit_index),
      CONSTRAINT recipients_state CHECK (
        state IN ('pending', 'sending', 'retrying', 'dead', 'unconfirmed', 'expired', 'cancelled', 'failed', 'sent'))
    ) WITH (fillfactor = 70);
    COMMENT ON TABLE recipients IS
      'One row per unit. version orders state, provider and changed_at; detail_version orders the columns after it.';
    CREATE INDEX recipients_phone_idx ON recipients (phone);

    CREATE TABLE attempts (
      message_id uuid,
      unit_index int,
      dispatch int,
      provider text,
      dispatched_at timestamptz,
      result_order bigint,
      outcome text,
      reply_status int,
      reply_body text,
      error_code text,
      started_at timestamptz,
      finished_at timestamptz,
      CONSTRAINT attempts_pkey PRIMARY KEY (message_id, unit_index, dispatch),
      CONSTRAINT attempts_outcome CHECK (
        outcome IN ('accepted', 'rejected', 'retryable', 'throttled', 'refused_credentials', 'unknown'))
    ) WITH (fillfactor = 80);
    COMMENT ON TABLE attempts IS
      'One row per try to send a unit. result_order decides which of two results of one attempt is kept.';

    CREATE TABLE throughput (
      minute timestamptz,
      provider text,
      sent int NOT NULL DEFAULT 0,
      failed int NOT NULL DEFAULT 0,
      CONSTRAINT throughput_pkey PRIMARY KEY (minute, provider)
    ) WITH (fillfactor = 50);
    COMMENT ON TABLE throughput IS
      'Attempts by the minute in which they ended. failed: rejected, retryable and unknown, as in the provider''s health.';

    CREATE TABLE queue (
      singleton boolean CONSTRAINT queue_pkey PRIMARY KEY DEFAULT true,
      epoch bigint NOT NULL,
      as_of timestamptz NOT NULL,
      virtual_time bigint NOT NULL,
      global_rate double precision,
      is_sending boolean NOT NULL,
      CONSTRAINT queue_one_row CHECK (singleton)
    ) WITH (fillfactor = 50);
    COMMENT ON TABLE queue IS 'The queue as a whole, as the scheduler last told it.';

    CREATE TABLE classes (
      class text CONSTRAINT classes_pkey PRIMARY KEY,
      tag bigint NOT NULL,
      backlog bigint NOT NULL,
      virtual_time bigint NOT NULL
    ) WITH (fillfactor = 50);
    COMMENT ON TABLE classes IS 'The head of each class.';

    CREATE TABLE flows (
      flow_id bigint CONSTRAINT flows_pkey PRIMARY KEY,
      class text NOT NULL,
      user_id uuid NOT NULL,
      provider text,
      tag bigint NOT NULL,
      step bigint NOT NULL,
      backlog bigint NOT NULL,
      head_number bigint NOT NULL,
      CONSTRAINT flows_backlog CHECK (backlog > 0)
    ) WITH (fillfactor = 70);
    COMMENT ON TABLE flows IS 'The heads of the flows that have a backlog; position and ETA follow from them.';

    CREATE TABLE providers (
      provider text CONSTRAINT providers_pkey PRIMARY KEY,
      state text NOT NULL,
      adapter text,
      url text,
      rate int,
      window_seconds double precision,
      weight double precision,
      effective_rate double precision,
      nominal_rate double precision,
      in_flight int
    ) WITH (fillfactor = 50);
    COMMENT ON TABLE providers IS 'Each provider''s settings, without secrets, and its pace.';
    """
}
