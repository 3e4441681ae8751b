/// What replays need, in tables.
enum ReplaySchema {
  static let tables = """
    ALTER TABLE scheduler.messages ADD COLUMN form text NOT NULL DEFAULT 'whole'
      CONSTRAINT messages_form_check CHECK (form IN ('whole', 'stripped', 'restored'));
    COMMENT ON COLUMN scheduler.messages.form IS
      'stripped: old, without text, numbers and all units that are not dead or unconfirmed; restored: made anew from letters, with their units alone.';
    DROP INDEX scheduler.messages_finished_idx;
    CREATE INDEX messages_finished_idx ON scheduler.messages (finished_at)
      WHERE finished_at IS NOT NULL AND (form = 'whole' OR dead + unconfirmed = 0);

    CREATE TABLE scheduler.replayed (
      message_id uuid NOT NULL,
      unit_index integer NOT NULL,
      replay_id uuid NOT NULL,
      died integer NOT NULL,
      from_state text NOT NULL CONSTRAINT replayed_from_check CHECK (from_state IN ('dead', 'unconfirmed')),
      attempts_used integer NOT NULL,
      flow_id bigint NOT NULL CONSTRAINT replayed_flow_fkey REFERENCES scheduler.flows,
      expires_at timestamptz,
      phone text,
      content text,
      letter text NOT NULL,
      CONSTRAINT replayed_pkey PRIMARY KEY (message_id, unit_index),
      CONSTRAINT replayed_unit_fkey FOREIGN KEY (message_id, unit_index) REFERENCES scheduler.units ON DELETE CASCADE
    );
    COMMENT ON TABLE scheduler.replayed IS
      'Units that go again out of their letters, until they are final: in a flow and with an expiry of their own.';
    COMMENT ON COLUMN scheduler.replayed.died IS 'The dispatch number that the letter was opened for.';
    COMMENT ON COLUMN scheduler.replayed.attempts_used IS 'Before the replay.';
    COMMENT ON COLUMN scheduler.replayed.phone IS 'Like content: NULL while the message has it.';
    CREATE INDEX replayed_replay_idx ON scheduler.replayed (replay_id);
    CREATE INDEX replayed_expiry_idx ON scheduler.replayed (expires_at) WHERE expires_at IS NOT NULL;

    CREATE TABLE scheduler.cancelled_replays (
      replay_id uuid NOT NULL CONSTRAINT cancelled_replays_pkey PRIMARY KEY,
      cancelled_at timestamptz NOT NULL
    );
    COMMENT ON TABLE scheduler.cancelled_replays IS
      'What of them comes back unsent goes back to the letters, what is ordered later is refused.';
    """

  static let cancellations = """
    CREATE TABLE scheduler.replay_cancellations (
      command_id uuid NOT NULL CONSTRAINT replay_cancellations_pkey PRIMARY KEY,
      replay_id uuid NOT NULL,
      request_id text,
      begun_at timestamptz NOT NULL,
      counts text NOT NULL,
      done_at timestamptz
    );
    COMMENT ON TABLE scheduler.replay_cancellations IS
      'Commands that take replays back, a batch at a time; counts are those of the answer.';
    """

  static let answers = """
    ALTER TABLE scheduler.inbox ADD COLUMN answer text;
    COMMENT ON COLUMN scheduler.inbox.answer IS 'Of commands about single units: a repeat is answered with it again.';
    """
}
