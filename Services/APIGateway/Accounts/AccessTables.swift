/// What an admin allows a user, sessions, the audit and daily counts, in tables.
enum AccessTables {
  static let sql = """
    ALTER TABLE accounts.users
      ADD COLUMN max_class text CONSTRAINT users_max_class_check CHECK (max_class IN ('urgent', 'normal', 'bulk')),
      ADD COLUMN daily_limit integer CONSTRAINT users_daily_limit_range CHECK (daily_limit > 0),
      ADD COLUMN api_rate integer CONSTRAINT users_api_rate_range CHECK (api_rate BETWEEN 1 AND 100000),
      ADD COLUMN providers text[] CONSTRAINT users_providers_check
        CHECK (cardinality(providers) BETWEEN 1 AND 100 AND array_position(providers, NULL) IS NULL),
      ADD COLUMN password_changed_at timestamptz,
      ADD COLUMN last_login_at timestamptz;
    COMMENT ON COLUMN accounts.users.max_class IS 'The most urgent class they may use; NULL for all.';
    COMMENT ON COLUMN accounts.users.daily_limit IS 'SMS a calendar day; NULL for no limit.';
    COMMENT ON COLUMN accounts.users.api_rate IS 'Requests a second to each replica; NULL for the usual rate.';
    COMMENT ON COLUMN accounts.users.providers IS 'The only ones that may carry their SMS; NULL for all.';

    -- A login changes nothing that the gateways keep in memory.
    DROP TRIGGER users_touch ON accounts.users;
    CREATE TRIGGER users_touch BEFORE UPDATE OF
      username, password_hash, is_admin, is_active, weight, max_class, daily_limit, api_rate, providers
      ON accounts.users FOR EACH ROW EXECUTE FUNCTION accounts.touch();

    CREATE TABLE accounts.sessions (
      id uuid CONSTRAINT sessions_pkey PRIMARY KEY,
      user_id uuid NOT NULL CONSTRAINT sessions_user_id_fkey REFERENCES accounts.users ON DELETE CASCADE,
      token_hash bytea NOT NULL CONSTRAINT sessions_token_hash_key UNIQUE
        CONSTRAINT sessions_token_hash_length CHECK (length(token_hash) = 32),
      created_at timestamptz NOT NULL DEFAULT sluice.clock(),
      expires_at timestamptz NOT NULL,
      ended_at timestamptz,
      last_used_at timestamptz,
      address text,
      user_agent text CONSTRAINT sessions_user_agent_length CHECK (length(user_agent) <= 255),
      changed_at timestamptz NOT NULL DEFAULT sluice.clock(),
      CONSTRAINT sessions_expiry CHECK (expires_at > created_at)
    );
    CREATE INDEX sessions_user_id_idx ON accounts.sessions (user_id);
    CREATE INDEX sessions_open_idx ON accounts.sessions (user_id, created_at) WHERE ended_at IS NULL;
    CREATE INDEX sessions_changed_at_idx ON accounts.sessions (changed_at);
    CREATE INDEX sessions_expires_at_idx ON accounts.sessions (expires_at);
    CREATE TRIGGER sessions_touch BEFORE UPDATE OF user_id, token_hash, expires_at, ended_at
      ON accounts.sessions FOR EACH ROW EXECUTE FUNCTION accounts.touch();

    CREATE TABLE accounts.gone_tokens (
      token_hash bytea NOT NULL CONSTRAINT gone_tokens_pkey PRIMARY KEY,
      gone_at timestamptz NOT NULL DEFAULT sluice.clock()
    );
    CREATE INDEX gone_tokens_gone_at_idx ON accounts.gone_tokens (gone_at);
    COMMENT ON TABLE accounts.gone_tokens IS
      'Tokens and sessions whose rows were deleted, for as long as a gateway may not have noticed.';
    CREATE FUNCTION accounts.note_gone() RETURNS trigger LANGUAGE plpgsql AS $note$
    BEGIN
      INSERT INTO accounts.gone_tokens (token_hash) VALUES (OLD.token_hash)
      ON CONFLICT (token_hash) DO UPDATE SET gone_at = sluice.clock();
      RETURN NULL;
    END
    $note$;
    CREATE TRIGGER tokens_gone AFTER DELETE ON accounts.tokens
      FOR EACH ROW EXECUTE FUNCTION accounts.note_gone();
    CREATE TRIGGER sessions_gone AFTER DELETE ON accounts.sessions
      FOR EACH ROW EXECUTE FUNCTION accounts.note_gone();

    CREATE TABLE accounts.audit (
      id uuid CONSTRAINT audit_pkey PRIMARY KEY,
      at timestamptz NOT NULL,
      -- No references: what was done stays known when those who did it are gone.
      user_id uuid,
      username text,
      action text NOT NULL CONSTRAINT audit_action_length CHECK (length(action) BETWEEN 1 AND 64),
      subject_type text,
      subject_id text,
      details jsonb NOT NULL,
      outcome text NOT NULL,
      address text,
      request_id text
    );
    CREATE INDEX audit_at_idx ON accounts.audit (at, id);
    CREATE INDEX audit_user_id_idx ON accounts.audit (user_id, at, id);
    CREATE INDEX audit_subject_idx ON accounts.audit (subject_id, at, id) WHERE subject_type = 'user';
    CREATE INDEX audit_action_idx ON accounts.audit (action, at, id);
    COMMENT ON TABLE accounts.audit IS 'What admins did, and who logged in. No secrets, phone numbers or texts.';

    CREATE TABLE accounts.daily_use (
      user_id uuid NOT NULL,
      day date NOT NULL,
      sms integer NOT NULL CONSTRAINT daily_use_sms_range CHECK (sms >= 0),
      CONSTRAINT daily_use_pkey PRIMARY KEY (user_id, day)
    ) WITH (fillfactor = 70);
    COMMENT ON TABLE accounts.daily_use IS 'SMS accepted on a day from users with a daily limit.';
    CREATE TABLE accounts.daily_messages (
      message_id uuid NOT NULL CONSTRAINT daily_messages_pkey PRIMARY KEY,
      user_id uuid NOT NULL,
      day date NOT NULL,
      sms integer NOT NULL CONSTRAINT daily_messages_sms_range CHECK (sms > 0)
    );
    CREATE INDEX daily_messages_day_idx ON accounts.daily_messages (day);
    COMMENT ON TABLE accounts.daily_messages IS 'What daily_use counts, so that nothing is counted twice.';
    """
}
