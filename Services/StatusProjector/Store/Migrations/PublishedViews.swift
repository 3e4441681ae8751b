extension ProjectionMigrations {
  /// The queue, the totals and single SMS, for other services.
  static let publishedViews = """
    CREATE OR REPLACE VIEW messages_read AS
      SELECT m.message_id, m.user_id, m.class, m.content, m.reference, m.provider, m.segments, m.encoding,
        m.recipient_count, m.first_phone, m.accepted_at, m.send_at, m.expires_at, m.flow_id, m.first_number,
        m.dispatched, m.pending, m.sending, m.retrying, m.sent, m.failed, m.dead, m.expired, m.cancelled,
        m.unconfirmed, m.job_status,
        m.is_open AND (m.paused OR coalesce(u.paused, false)) AS paused,
        m.sent_at,
        CASE WHEN NOT m.is_open THEN greatest(m.finished_at, m.changed_at) END AS completed_at,
        m.last_reply_status, m.last_reply_body, m.is_open, m.has_unsent, m.redacted_at
      FROM messages m LEFT JOIN user_pauses u USING (user_id)
      WHERE m.accepted_at IS NOT NULL;
    COMMENT ON COLUMN messages_read.is_open IS
      'True while job_status is pending or sending: a quick way to what is not final.';
    COMMENT ON COLUMN messages_read.has_unsent IS
      'True when some of its SMS ended other than sent: a quick way to them.';
    COMMENT ON COLUMN messages_read.redacted_at IS
      'When text, numbers and answers were taken out (they are empty since); null before.';

    CREATE VIEW requests_read AS
      SELECT r.message_id, r.unit_index, m.user_id, r.phone, m.content, r.state, r.provider,
        coalesce(r.attempts_used, 0) AS attempts, m.accepted_at AS created_at, r.changed_at AS updated_at,
        m.is_open, m.has_unsent, m.redacted_at
      FROM messages m JOIN recipients r USING (message_id)
      WHERE m.accepted_at IS NOT NULL AND r.phone IS NOT NULL;
    COMMENT ON VIEW requests_read IS
      'One row per SMS, with its message''s text and times. Newest first is created_at DESC, message_id DESC, unit_index.';
    COMMENT ON COLUMN requests_read.attempts IS 'Attempts that counted; a replay sets it to 0.';
    COMMENT ON COLUMN requests_read.created_at IS 'When its message was accepted.';
    COMMENT ON COLUMN requests_read.updated_at IS 'When it came into its state.';
    COMMENT ON COLUMN requests_read.is_open IS
      'Its message is not final. Ask for it with a state of pending, sending or retrying: then few rows are read.';
    COMMENT ON COLUMN requests_read.has_unsent IS
      'Its message has SMS that ended other than sent. Ask for it with such a state: then few rows are read.';

    CREATE VIEW flows_read AS
      SELECT flow_id, class, user_id, provider, tag, step, backlog, head_number, holes FROM flows;
    COMMENT ON VIEW flows_read IS 'The heads of the flows that have a backlog; position and ETA follow from them.';
    COMMENT ON COLUMN flows_read.head_number IS 'The number of its next SMS that was never dispatched.';

    CREATE VIEW classes_read AS SELECT class, tag, backlog, virtual_time FROM classes;
    COMMENT ON VIEW classes_read IS 'The head of each class.';

    CREATE VIEW queue_read AS SELECT epoch, as_of, virtual_time, global_rate, is_sending FROM queue;
    COMMENT ON VIEW queue_read IS 'The queue as a whole: one row, or none before the scheduler first told.';
    COMMENT ON COLUMN queue_read.as_of IS 'When the scheduler told it, and the flows and classes.';

    CREATE VIEW providers_read AS
      SELECT provider, state, pause_reason, adapter, url, rate, window_seconds, weight, overridden, effective_rate,
        nominal_rate, in_flight, gate_opens_at, unhealthy_until, successes, failures, sent, current
      FROM providers;
    COMMENT ON VIEW providers_read IS 'Each provider''s settings, without secrets, its state and its pace.';

    CREATE VIEW totals_read AS
      SELECT nullif(user_id, '00000000-0000-0000-0000-000000000000') AS user_id,
        pending_messages + sending_messages + completed_messages + partial_messages + failed_messages
          + cancelled_messages + expired_messages + unconfirmed_messages AS messages,
        pending_messages, sending_messages, completed_messages, partial_messages, failed_messages, cancelled_messages,
        expired_messages, unconfirmed_messages, units,
        pending, sending, retrying, sent, failed, dead, expired, cancelled, unconfirmed,
        CASE WHEN user_id = '00000000-0000-0000-0000-000000000000' THEN (
          SELECT m.accepted_at FROM messages m WHERE m.is_open AND m.pending + m.retrying > 0
          ORDER BY m.accepted_at LIMIT 1) END AS oldest_pending_at
      FROM totals;
    COMMENT ON VIEW totals_read IS
      'Messages by job status and SMS by state, of each user; of all where user_id is null. Nothing is counted to read it.';
    COMMENT ON COLUMN totals_read.oldest_pending_at IS
      'When the oldest message was accepted that has SMS which wait; only in the row of all.';
    COMMENT ON COLUMN totals_read.units IS 'SMS of all accepted messages.';

    DO $$
    BEGIN
      IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'sluice_accounts') THEN
        GRANT SELECT ON requests_read, flows_read, classes_read, queue_read, providers_read, totals_read
          TO sluice_accounts;
      END IF;
    END
    $$;
    """
}
