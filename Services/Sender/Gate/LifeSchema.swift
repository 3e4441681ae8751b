/// Which senders live, by beats that others can see.
enum LifeSchema {
  static let sql = """
    CREATE TABLE sender.lives (
      incarnation uuid NOT NULL CONSTRAINT lives_pkey PRIMARY KEY,
      holder text NOT NULL,
      beat bigint NOT NULL DEFAULT 1,
      begun_at timestamptz NOT NULL
    ) WITH (fillfactor = 50);
    COMMENT ON TABLE sender.lives IS 'One row for each life of a sender, from its start until it ends or falls silent.';
    COMMENT ON COLUMN sender.lives.beat IS
      'Rises twice a second. Others judge by it, each by its own clock: no time of the database is compared.';
    """
}
