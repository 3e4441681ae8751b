extension DeadLetterSchema {
  /// How a request chooses its letters, and a preview counts them: the same statement, so that both are as bounded as a
  /// list is. Each kind of letter that a filter leaves open is read from its own range of an index.
  static let choosing = """
    -- The pending letters that a request would apply to, oldest first, as a statement. Its parameters:
    -- ids $1, unit state $2, error type $3, provider $4, user $5, message $6, to $7, limit $8, and the place that they lie
    -- behind, $9 and $10. Only what is asked for is in it: a null would hide the index from the planner.
    CREATE FUNCTION dead_letter.pending_statement(
      p_columns text, p_ids uuid[], p_unit_state text, p_error_type text, p_provider text, p_user_id uuid,
      p_message_id uuid)
    RETURNS text
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
    AS $$
    DECLARE
      v_fits text := 'l.state = ''pending'' AND (l.created_at, l.letter_id) > ($9, $10) AND l.created_at < $7';
      v_rows text;
      v_page text := ' ORDER BY l.created_at, l.letter_id LIMIT $8';
      v_kinds text;
    BEGIN
      IF p_unit_state IS NOT NULL THEN v_fits := v_fits || ' AND l.unit_state = $2'; END IF;
      IF p_user_id IS NOT NULL THEN v_fits := v_fits || ' AND l.user_id = $5'; END IF;
      IF p_ids IS NOT NULL THEN v_fits := v_fits || ' AND l.letter_id = ANY ($1)'; END IF;
      IF p_message_id IS NOT NULL THEN v_fits := v_fits || ' AND l.message_id = $6'; END IF;
      v_rows := 'SELECT ' || p_columns || ' FROM dead_letter.letters l WHERE ' || v_fits;
      IF p_ids IS NOT NULL OR p_message_id IS NOT NULL THEN
        IF p_error_type IS NOT NULL THEN v_rows := v_rows || ' AND l.error_type = $3'; END IF;
        IF p_provider IS NOT NULL THEN v_rows := v_rows || ' AND l.provider = $4'; END IF;
      ELSIF num_nonnulls(p_user_id, p_error_type, p_provider) > 0 THEN
        v_kinds := 'SELECT ' || p_columns || ' FROM dead_letter.letter_kinds($5, $3, $4) k, LATERAL (' || v_rows
          || ' AND l.error_type = k.error_type AND ';
        v_rows := v_kinds || 'l.provider = k.provider' || v_page || ') l' || CASE WHEN p_provider IS NULL
          THEN ' UNION ALL ' || v_kinds || 'l.provider IS NULL' || v_page || ') l WHERE k.provider IS NULL' ELSE '' END;
      END IF;
      RETURN 'SELECT l.* FROM (' || v_rows || ') l' || v_page;
    END $$;

    -- The letters that a request would apply to now, oldest first, those behind a place.
    CREATE FUNCTION dead_letter.choose_letters(
      p_ids uuid[], p_unit_state text, p_error_type text, p_provider text, p_user_id uuid, p_message_id uuid,
      p_from timestamptz, p_to timestamptz, p_after_at timestamptz, p_after_id uuid, p_limit integer)
    RETURNS TABLE (letter_id uuid, created_at timestamptz)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET enable_seqscan = off SET jit = off
    AS $$
    DECLARE
      -- One bound below: with two, the beginning of the index is read as well.
      v_at timestamptz := coalesce(p_after_at, '-infinity');
      v_id uuid := coalesce(p_after_id, '00000000-0000-0000-0000-000000000000');
    BEGIN
      IF p_from > v_at THEN
        v_at := p_from;
        v_id := '00000000-0000-0000-0000-000000000000';
      END IF;
      RETURN QUERY EXECUTE dead_letter.pending_statement(
          'l.letter_id, l.created_at', p_ids, p_unit_state, p_error_type, p_provider, p_user_id, p_message_id)
        USING p_ids, p_unit_state, p_error_type, p_provider, p_user_id, p_message_id,
          coalesce(p_to, 'infinity'), p_limit, v_at, v_id;
    END $$;

    -- The letters that a request would apply to now, oldest first, counted by what they go as.
    -- p_unit_state: only letters of SMS in this state.
    CREATE OR REPLACE FUNCTION dead_letter.preview_letters(
      p_ids uuid[], p_unit_state text, p_error_type text, p_provider text, p_user_id uuid, p_message_id uuid,
      p_from timestamptz, p_to timestamptz, p_limit integer)
    RETURNS TABLE (user_id uuid, pinned_provider text, letters bigint, segments bigint)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    SET enable_seqscan = off SET jit = off
    AS $$
    BEGIN
      RETURN QUERY EXECUTE
        'SELECT l.user_id, l.pinned_provider, count(*), sum(l.segments)::bigint FROM ('
        || dead_letter.pending_statement(
          'l.user_id, l.pinned_provider, l.segments, l.created_at, l.letter_id', p_ids, p_unit_state, p_error_type,
          p_provider, p_user_id, p_message_id)
        || ') l GROUP BY l.user_id, l.pinned_provider'
        USING p_ids, p_unit_state, p_error_type, p_provider, p_user_id, p_message_id,
          coalesce(p_to, 'infinity'), p_limit, coalesce(p_from, '-infinity'),
          '00000000-0000-0000-0000-000000000000'::uuid;
    END $$;

    REVOKE ALL ON FUNCTION dead_letter.pending_statement FROM PUBLIC;
    REVOKE ALL ON FUNCTION dead_letter.choose_letters FROM PUBLIC;
    """
}
