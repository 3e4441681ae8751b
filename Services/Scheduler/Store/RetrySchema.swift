/// What sending again needs, in tables.
enum RetrySchema {
  static let tables = """
    CREATE TABLE scheduler.retries (
      command_id uuid NOT NULL CONSTRAINT retries_pkey PRIMARY KEY,
      message_id uuid NOT NULL,
      body text NOT NULL,
      next_index integer NOT NULL,
      retried integer NOT NULL DEFAULT 0,
      was_cancelled boolean NOT NULL,
      begun_at timestamptz NOT NULL,
      done_at timestamptz
    );
    COMMENT ON TABLE scheduler.retries IS
      'Commands that send failed units of a message again, a batch at a time, from the last unit to the first.';
    COMMENT ON COLUMN scheduler.retries.next_index IS 'Units from this index on have been looked at.';
    COMMENT ON COLUMN scheduler.retries.was_cancelled IS
      'The message was cancelled when it began; a cancellation after that ends it.';
    CREATE INDEX retries_open_idx ON scheduler.retries (begun_at) WHERE done_at IS NULL;
    CREATE INDEX retries_done_idx ON scheduler.retries (done_at) WHERE done_at IS NOT NULL;
    """
}
