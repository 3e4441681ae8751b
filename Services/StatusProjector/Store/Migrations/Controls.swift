extension ProjectionMigrations {
  /// Cancel, pause, expiry and schedules, possible duplicates, and what is known of providers' health and share.
  static let controls = """
    ALTER TABLE messages ADD COLUMN pause_changed_at timestamptz;

    CREATE TABLE user_pauses (
      user_id uuid CONSTRAINT user_pauses_pkey PRIMARY KEY,
      paused boolean NOT NULL,
      changed_at timestamptz NOT NULL
    ) WITH (fillfactor = 70);
    COMMENT ON TABLE user_pauses IS
      'Users whose traffic is, or was, held back as a whole: also what they send later. The latest word is in force.';

    ALTER TABLE recipients ADD COLUMN resent_after int;
    COMMENT ON COLUMN recipients.resent_after IS
      'The first attempt of unknown outcome that is to be followed by another.';

    ALTER TABLE flows ADD COLUMN holes jsonb NOT NULL DEFAULT '[]';
    COMMENT ON COLUMN flows.holes IS
      'Numbers from head_number on that nobody waits for: [{"segment", "count"}], segment s from number 1024 s on.';

    ALTER TABLE providers
      ADD COLUMN pause_reason text, ADD COLUMN overridden text[] NOT NULL DEFAULT '{}',
      ADD COLUMN gate_opens_at timestamptz, ADD COLUMN unhealthy_until timestamptz,
      ADD COLUMN successes int, ADD COLUMN failures int, ADD COLUMN sent bigint, ADD COLUMN current int;
    COMMENT ON COLUMN providers.pause_reason IS 'admin or credentials; null when it is not paused.';
    COMMENT ON COLUMN providers.overridden IS 'Settings that override the providers file.';
    COMMENT ON COLUMN providers.successes IS 'In the health window; so are failures.';
    COMMENT ON COLUMN providers.sent IS 'SMS accepted by it since the last reset.';
    COMMENT ON COLUMN providers.current IS 'SMS given to senders in the last second.';

    CREATE OR REPLACE VIEW messages_read AS
      SELECT m.message_id, m.user_id, m.class, m.content, m.reference, m.provider, m.segments, m.encoding,
        m.recipient_count, m.first_phone, m.accepted_at, m.send_at, m.expires_at, m.flow_id, m.first_number,
        m.dispatched, m.pending, m.sending, m.retrying, m.sent, m.failed, m.dead, m.expired, m.cancelled,
        m.unconfirmed, m.job_status,
        m.job_status IN ('pending', 'sending') AND (m.paused OR coalesce(u.paused, false)) AS paused,
        m.sent_at,
        CASE WHEN m.job_status NOT IN ('pending', 'sending') THEN greatest(m.finished_at, m.changed_at) END
          AS completed_at,
        m.last_reply_status, m.last_reply_body
      FROM messages m LEFT JOIN user_pauses u USING (user_id)
      WHERE m.accepted_at IS NOT NULL;
    COMMENT ON COLUMN messages_read.paused IS
      'Held back until somebody resumes it, itself or all of its user''s traffic; false once it is final.';
    COMMENT ON COLUMN messages_read.dispatched IS
      'The index of the next unit to be dispatched for the first time; recipient_count when there is none.';
    COMMENT ON COLUMN messages_read.send_at IS 'Not sent before.';
    COMMENT ON COLUMN messages_read.expires_at IS 'What has not been sent by then expires.';
    COMMENT ON COLUMN messages_read.completed_at IS
      'When its last unit became final; null while one is not, also while some are sent again.';

    CREATE OR REPLACE VIEW recipients_read AS
      SELECT r.message_id, r.unit_index, r.phone, r.state, coalesce(r.attempts_used, 0) AS attempts_used, r.provider,
        r.error_code, r.error_message, r.sent_at, r.changed_at, coalesce(r.version / 8 > r.resent_after, false) AS may_be_duplicate
      FROM recipients r
      WHERE r.phone IS NOT NULL;
    COMMENT ON COLUMN recipients_read.attempts_used IS
      'Attempts that counted; a replay, or sending failed ones again, sets it to 0.';
    COMMENT ON COLUMN recipients_read.may_be_duplicate IS
      'True when it was sent again after an attempt of unknown outcome: it may have arrived twice.';
    """
}
