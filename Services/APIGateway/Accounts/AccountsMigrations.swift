import Postgres

/// The schema `accounts`: users, their tokens and sessions, what they did and may do. Migrations are never edited once released.
enum AccountsMigrations {
  static let schema = "accounts"

  static let all = [
    Migration(
      version: 1, name: "users and tokens",
      sql: """
        CREATE TABLE accounts.users (
          id uuid CONSTRAINT users_pkey PRIMARY KEY,
          username text NOT NULL CONSTRAINT users_username_length CHECK (length(username) BETWEEN 1 AND 255),
          password_hash text,
          is_admin boolean NOT NULL DEFAULT false,
          is_active boolean NOT NULL DEFAULT true,
          weight double precision NOT NULL DEFAULT 1
            CONSTRAINT users_weight_range CHECK (weight >= 0.01 AND weight <= 100),
          created_at timestamptz NOT NULL DEFAULT sluice.clock(),
          changed_at timestamptz NOT NULL DEFAULT sluice.clock()
        );
        CREATE UNIQUE INDEX users_username_key ON accounts.users (lower(username));
        CREATE INDEX users_changed_at_idx ON accounts.users (changed_at);

        CREATE TABLE accounts.tokens (
          id uuid CONSTRAINT tokens_pkey PRIMARY KEY,
          user_id uuid NOT NULL CONSTRAINT tokens_user_id_fkey REFERENCES accounts.users ON DELETE CASCADE,
          name text NOT NULL CONSTRAINT tokens_name_length CHECK (length(name) BETWEEN 1 AND 255),
          token_hash bytea NOT NULL CONSTRAINT tokens_token_hash_key UNIQUE
            CONSTRAINT tokens_token_hash_length CHECK (length(token_hash) = 32),
          expires_at timestamptz,
          last_used_at timestamptz,
          revoked_at timestamptz,
          created_at timestamptz NOT NULL DEFAULT sluice.clock(),
          changed_at timestamptz NOT NULL DEFAULT sluice.clock()
        );
        CREATE INDEX tokens_user_id_idx ON accounts.tokens (user_id);
        CREATE INDEX tokens_changed_at_idx ON accounts.tokens (changed_at);

        -- Whoever changes a row, by this service or by hand, the gateways see it by its time.
        CREATE FUNCTION accounts.touch() RETURNS trigger LANGUAGE plpgsql AS $touch$
        BEGIN
          NEW.changed_at := sluice.clock();
          RETURN NEW;
        END
        $touch$;
        CREATE TRIGGER users_touch BEFORE UPDATE ON accounts.users
          FOR EACH ROW EXECUTE FUNCTION accounts.touch();
        CREATE TRIGGER tokens_touch BEFORE UPDATE OF user_id, name, token_hash, expires_at, revoked_at
          ON accounts.tokens FOR EACH ROW EXECUTE FUNCTION accounts.touch();
        """),
    Migration(
      version: 2, name: "idempotency keys",
      sql: """
        CREATE TABLE accounts.idempotency_keys (
          -- No reference to users: a user who is gone takes nothing back.
          user_id uuid NOT NULL,
          key_hash bytea NOT NULL CONSTRAINT idempotency_keys_key_hash_length CHECK (length(key_hash) = 32),
          body_hash bytea NOT NULL CONSTRAINT idempotency_keys_body_hash_length CHECK (length(body_hash) = 32),
          message_id uuid NOT NULL,
          status smallint,
          answer bytea,
          accepted_at timestamptz NOT NULL,
          in_flight_until timestamptz NOT NULL,
          created_at timestamptz NOT NULL DEFAULT sluice.clock(),
          CONSTRAINT idempotency_keys_pkey PRIMARY KEY (user_id, key_hash),
          CONSTRAINT idempotency_keys_whole_answer CHECK ((status IS NULL) = (answer IS NULL))
        );
        CREATE INDEX idempotency_keys_created_at_idx ON accounts.idempotency_keys (created_at);
        COMMENT ON COLUMN accounts.idempotency_keys.answer IS
          'The first answer, sealed: readable only with the key and the body that it was given to.';
        """),
    Migration(version: 3, name: "limits, sessions, audit, daily use", sql: AccessTables.sql),
    Migration(
      version: 4, name: "dropping by index",
      sql: """
        CREATE INDEX sessions_ended_at_idx ON accounts.sessions (ended_at) WHERE ended_at IS NOT NULL;
        CREATE INDEX daily_use_day_idx ON accounts.daily_use (day);
        """),
  ]
}
