extension DeadLetterSchema {
  /// A preview tells letters apart by all that decides which queue they wait in: a list of providers as well as a pin.
  static let previewing = """
    DROP FUNCTION dead_letter.preview_letters(
      uuid[], text, text, text, uuid, uuid, timestamptz, timestamptz, integer);

    -- The letters that a request would apply to now, oldest first, counted by what they go as.
    -- p_unit_state: only letters of SMS in this state.
    CREATE FUNCTION dead_letter.preview_letters(
      p_ids uuid[], p_unit_state text, p_error_type text, p_provider text, p_user_id uuid, p_message_id uuid,
      p_from timestamptz, p_to timestamptz, p_limit integer)
    RETURNS TABLE (user_id uuid, pinned_provider text, providers text[], letters bigint, segments bigint)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    SET enable_seqscan = off SET jit = off
    AS $$
    BEGIN
      RETURN QUERY EXECUTE
        'SELECT l.user_id, l.pinned_provider, l.providers, count(*), sum(l.segments)::bigint FROM ('
        || dead_letter.pending_statement(
          'l.user_id, l.pinned_provider, l.providers, l.segments, l.created_at, l.letter_id', p_ids, p_unit_state,
          p_error_type, p_provider, p_user_id, p_message_id)
        || ') l GROUP BY l.user_id, l.pinned_provider, l.providers'
        USING p_ids, p_unit_state, p_error_type, p_provider, p_user_id, p_message_id,
          coalesce(p_to, 'infinity'), p_limit, coalesce(p_from, '-infinity'),
          '00000000-0000-0000-0000-000000000000'::uuid;
    END $$;

    REVOKE ALL ON FUNCTION dead_letter.preview_letters FROM PUBLIC;
    DO $$
    BEGIN
      IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'sluice_accounts') THEN
        GRANT EXECUTE ON FUNCTION dead_letter.preview_letters TO sluice_accounts;
      END IF;
    END $$;
    """
}
