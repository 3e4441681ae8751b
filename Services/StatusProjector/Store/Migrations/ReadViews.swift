extension ProjectionMigrations {
  /// What other services may read; the gateway reads nothing else here.
  static let readViews = """
    CREATE VIEW messages_read AS
      SELECT message_id, user_id, class, content, reference, provider, segments, encoding, recipient_count, first_phone,
        accepted_at, send_at, expires_at, flow_id, first_number, dispatched,
        pending, sending, retrying, sent, failed, dead, expired, cancelled, unconfirmed,
        job_status, paused, sent_at,
        CASE WHEN job_status NOT IN ('pending', 'sending') THEN coalesce(finished_at, changed_at) END AS completed_at,
        last_reply_status, last_reply_body
      FROM messages
      WHERE accepted_at IS NOT NULL;
    COMMENT ON VIEW messages_read IS 'One row per accepted message.';
    COMMENT ON COLUMN messages_read.provider IS 'The provider that the message is pinned to.';
    COMMENT ON COLUMN messages_read.flow_id IS 'Null until the scheduler has queued the message.';
    COMMENT ON COLUMN messages_read.first_number IS 'Unit i has number first_number + i in its flow.';
    COMMENT ON COLUMN messages_read.dispatched IS
      'The highest unit index ever dispatched, plus one: the index of the next one.';
    COMMENT ON COLUMN messages_read.sent_at IS 'When a provider last accepted one of its SMS.';
    COMMENT ON COLUMN messages_read.completed_at IS 'When its last unit became final; null while one is not.';
    COMMENT ON COLUMN messages_read.last_reply_body IS 'The latest answer of a provider, cut to 2 KiB.';

    CREATE VIEW recipients_read AS
      SELECT r.message_id, r.unit_index, r.phone, r.state, coalesce(r.attempts_used, 0) AS attempts_used, r.provider,
        r.error_code, r.error_message, r.sent_at, r.changed_at
      FROM recipients r
      WHERE r.phone IS NOT NULL;
    COMMENT ON VIEW recipients_read IS 'One row per unit (one SMS to one recipient) of an accepted message.';
    COMMENT ON COLUMN recipients_read.attempts_used IS 'Attempts that counted; a replay sets it to 0.';
    COMMENT ON COLUMN recipients_read.provider IS 'The provider of the state it is in, if it has one.';

    CREATE VIEW attempts_read AS
      SELECT message_id, unit_index, dispatch, provider, outcome, reply_status, reply_body, error_code, started_at,
        finished_at
      FROM attempts
      WHERE dispatched_at IS NOT NULL OR outcome IS NOT NULL;
    COMMENT ON VIEW attempts_read IS 'One row per try to send a unit.';
    COMMENT ON COLUMN attempts_read.outcome IS
      'Null while it is under way, and for one that ended (finished_at) before anything was sent.';
    COMMENT ON COLUMN attempts_read.started_at IS 'When the request''s first byte was written.';

    CREATE VIEW progress_read AS
      SELECT log_offset, log_time, folded_at FROM progress;
    COMMENT ON VIEW progress_read IS 'How far the log has been folded; always one row.';
    COMMENT ON COLUMN progress_read.log_time IS 'When the newest folded fact was said, by its own account.';

    CREATE VIEW throughput_read AS
      SELECT minute, provider, sent, failed FROM throughput;
    COMMENT ON VIEW throughput_read IS 'Attempts by provider and by the minute in which they ended.';

    DO $$
    BEGIN
      IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'sluice_accounts') THEN
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO sluice_accounts', current_schema());
        GRANT SELECT ON messages_read, recipients_read, attempts_read,
          progress_read, throughput_read TO sluice_accounts;
      END IF;
    END
    $$;
    """
}
