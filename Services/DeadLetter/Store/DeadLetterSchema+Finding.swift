extension DeadLetterSchema {
  /// How letters are found among a million, whatever is asked for and however few there are.
  ///
  /// Types of error, providers and states have few values. So what a filter leaves open is enumerated, by hopping from
  /// value to value in an index, and the letters of each combination are read from the end of its own range of the
  /// index and merged: at most a page of each, and nothing that does not fit.
  static let finding = """

    -- The types of error, each with the providers (null for none) that there are: of one user, or of all.
    CREATE FUNCTION dead_letter.letter_kinds(p_user_id uuid, p_error_type text, p_provider text)
    RETURNS TABLE (error_type text, provider text)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    AS $$
      WITH RECURSIVE types (v) AS (
        SELECT CASE
          WHEN p_error_type IS NOT NULL THEN p_error_type
          WHEN p_user_id IS NULL THEN (SELECT l.error_type FROM dead_letter.letters l ORDER BY l.error_type LIMIT 1)
          ELSE (
            SELECT l.error_type FROM dead_letter.letters l WHERE l.user_id = p_user_id ORDER BY l.error_type LIMIT 1)
        END
        UNION ALL
        SELECT CASE
          WHEN p_user_id IS NULL THEN (
            SELECT l.error_type FROM dead_letter.letters l WHERE l.error_type > t.v ORDER BY l.error_type LIMIT 1)
          ELSE (
            SELECT l.error_type FROM dead_letter.letters l WHERE l.user_id = p_user_id AND l.error_type > t.v
            ORDER BY l.error_type LIMIT 1)
        END
        FROM types t WHERE t.v IS NOT NULL AND p_error_type IS NULL),
      pairs (t, v) AS (
        SELECT types.v, CASE
          WHEN p_provider IS NOT NULL THEN p_provider
          WHEN p_user_id IS NULL THEN (
            SELECT l.provider FROM dead_letter.letters l WHERE l.error_type = types.v AND l.provider > ''
            ORDER BY l.provider LIMIT 1)
          ELSE (
            SELECT l.provider FROM dead_letter.letters l
            WHERE l.user_id = p_user_id AND l.error_type = types.v AND l.provider > '' ORDER BY l.provider LIMIT 1)
        END
        FROM types WHERE types.v IS NOT NULL
        UNION ALL
        SELECT p.t, CASE
          WHEN p_user_id IS NULL THEN (
            SELECT l.provider FROM dead_letter.letters l WHERE l.error_type = p.t AND l.provider > p.v
            ORDER BY l.provider LIMIT 1)
          ELSE (
            SELECT l.provider FROM dead_letter.letters l
            WHERE l.user_id = p_user_id AND l.error_type = p.t AND l.provider > p.v ORDER BY l.provider LIMIT 1)
        END
        FROM pairs p WHERE p.v IS NOT NULL AND p_provider IS NULL)
      SELECT t, v FROM pairs WHERE v IS NOT NULL OR p_provider IS NULL
    $$;

    -- Letters alone, newest first, those behind a place.
    CREATE FUNCTION dead_letter.find_kept(
      p_status text, p_error_type text, p_provider text, p_user_id uuid, p_message_id uuid, p_from timestamptz,
      p_to timestamptz, p_before_at timestamptz, p_before_id uuid, p_limit integer)
    RETURNS TABLE (id uuid, created_at timestamptz)
    LANGUAGE plpgsql STABLE ROWS 50 SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off
    AS $$
    DECLARE
      v_from timestamptz := coalesce(p_from, '-infinity');
      v_at timestamptz := coalesce(p_before_at, 'infinity');
      -- One bound above: with two, the end of the index is read as well.
      v_id uuid := coalesce(p_before_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff');
      v_states text[] := CASE WHEN p_status IS NULL
        THEN ARRAY['pending', 'replaying', 'retried', 'abandoned', 'settled'] ELSE ARRAY[p_status] END;
    BEGIN
      IF p_to <= v_at THEN
        v_at := p_to;
        v_id := '00000000-0000-0000-0000-000000000000';
      END IF;
      IF p_message_id IS NOT NULL THEN
        RETURN QUERY SELECT l.letter_id, l.created_at FROM dead_letter.letters l
          WHERE l.message_id = p_message_id AND l.state = ANY (v_states)
            AND (p_error_type IS NULL OR l.error_type = p_error_type)
            AND (p_provider IS NULL OR l.provider = p_provider) AND (p_user_id IS NULL OR l.user_id = p_user_id)
            AND l.created_at >= v_from AND (l.created_at, l.letter_id) < (v_at, v_id)
          ORDER BY l.created_at DESC, l.letter_id DESC LIMIT p_limit;
      ELSIF p_user_id IS NOT NULL THEN
        RETURN QUERY SELECT f.letter_id, f.created_at
          FROM dead_letter.letter_kinds(p_user_id, p_error_type, p_provider) k, unnest(v_states) AS s (state),
            LATERAL (
              (SELECT l.letter_id, l.created_at FROM dead_letter.letters l
              WHERE k.provider IS NOT NULL AND l.user_id = p_user_id AND l.error_type = k.error_type
                AND l.provider = k.provider AND l.state = s.state
                AND l.created_at >= v_from AND (l.created_at, l.letter_id) < (v_at, v_id)
              ORDER BY l.created_at DESC, l.letter_id DESC LIMIT p_limit)
              UNION ALL
              (SELECT l.letter_id, l.created_at FROM dead_letter.letters l
              WHERE k.provider IS NULL AND l.user_id = p_user_id AND l.error_type = k.error_type
                AND l.provider IS NULL AND l.state = s.state
                AND l.created_at >= v_from AND (l.created_at, l.letter_id) < (v_at, v_id)
              ORDER BY l.created_at DESC, l.letter_id DESC LIMIT p_limit)) f
          ORDER BY f.created_at DESC, f.letter_id DESC LIMIT p_limit;
      ELSIF p_error_type IS NOT NULL OR p_provider IS NOT NULL THEN
        RETURN QUERY SELECT f.letter_id, f.created_at
          FROM dead_letter.letter_kinds(NULL, p_error_type, p_provider) k, unnest(v_states) AS s (state),
            LATERAL (
              (SELECT l.letter_id, l.created_at FROM dead_letter.letters l
              WHERE k.provider IS NOT NULL AND l.error_type = k.error_type AND l.provider = k.provider
                AND l.state = s.state
                AND l.created_at >= v_from AND (l.created_at, l.letter_id) < (v_at, v_id)
              ORDER BY l.created_at DESC, l.letter_id DESC LIMIT p_limit)
              UNION ALL
              (SELECT l.letter_id, l.created_at FROM dead_letter.letters l
              WHERE k.provider IS NULL AND l.error_type = k.error_type AND l.provider IS NULL AND l.state = s.state
                AND l.created_at >= v_from AND (l.created_at, l.letter_id) < (v_at, v_id)
              ORDER BY l.created_at DESC, l.letter_id DESC LIMIT p_limit)) f
          ORDER BY f.created_at DESC, f.letter_id DESC LIMIT p_limit;
      ELSIF p_status IS NOT NULL THEN
        RETURN QUERY SELECT l.letter_id, l.created_at FROM dead_letter.letters l
          WHERE l.state = p_status
            AND l.created_at >= v_from AND (l.created_at, l.letter_id) < (v_at, v_id)
          ORDER BY l.created_at DESC, l.letter_id DESC LIMIT p_limit;
      ELSE
        RETURN QUERY SELECT l.letter_id, l.created_at FROM dead_letter.letters l
          WHERE l.created_at >= v_from AND (l.created_at, l.letter_id) < (v_at, v_id)
          ORDER BY l.created_at DESC, l.letter_id DESC LIMIT p_limit;
      END IF;
    END $$;

    -- Newest first, those behind a place. Letters and poison messages, whose error type is poison.
    CREATE FUNCTION dead_letter.find_letters(
      p_status text, p_error_type text, p_provider text, p_user_id uuid, p_message_id uuid, p_from timestamptz,
      p_to timestamptz, p_before_at timestamptz, p_before_id uuid, p_limit integer)
    RETURNS TABLE (id uuid, created_at timestamptz)
    LANGUAGE sql STABLE ROWS 50 SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
      SELECT f.id, f.created_at FROM (
        SELECT k.id, k.created_at FROM dead_letter.find_kept(
          p_status, p_error_type, p_provider, p_user_id, p_message_id, p_from, p_to, p_before_at, p_before_id,
          p_limit) k
        UNION ALL
        (SELECT p.poison_id, p.received_at FROM dead_letter.poison p
        WHERE coalesce(p_error_type, 'poison') = 'poison' AND num_nonnulls(p_provider, p_user_id, p_message_id) = 0
          AND (p_status IS NULL OR p.state = p_status)
          AND (p_from IS NULL OR p.received_at >= p_from) AND (p_to IS NULL OR p.received_at < p_to)
          AND (p_before_at IS NULL OR (p.received_at, p.poison_id) < (p_before_at, p_before_id))
        ORDER BY p.received_at DESC, p.poison_id DESC LIMIT p_limit)) f
      ORDER BY f.created_at DESC, f.id DESC LIMIT p_limit
    $$;

    -- The letters that a request would apply to now, oldest first, counted by what they go as.
    -- p_unit_state: only letters of SMS in this state.
    CREATE FUNCTION dead_letter.preview_letters(
      p_ids uuid[], p_unit_state text, p_error_type text, p_provider text, p_user_id uuid, p_message_id uuid,
      p_from timestamptz, p_to timestamptz, p_limit integer)
    RETURNS TABLE (user_id uuid, pinned_provider text, letters bigint, segments bigint)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    SET enable_seqscan = off SET jit = off
    AS $$
    DECLARE
      v_from timestamptz := coalesce(p_from, '-infinity');
      v_to timestamptz := coalesce(p_to, 'infinity');
      v_fits text := 'l.state = ''pending'' AND l.created_at >= $7 AND l.created_at < $8';
      v_rows text;
      v_columns text := 'l.user_id, l.pinned_provider, l.segments, l.created_at, l.letter_id';
      v_page text := ' ORDER BY l.created_at, l.letter_id LIMIT $9';
      v_kinds text;
    BEGIN
      IF p_unit_state IS NOT NULL THEN v_fits := v_fits || ' AND l.unit_state = $2'; END IF;
      IF p_user_id IS NOT NULL THEN v_fits := v_fits || ' AND l.user_id = $5'; END IF;
      IF p_ids IS NOT NULL THEN v_fits := v_fits || ' AND l.letter_id = ANY ($1)'; END IF;
      IF p_message_id IS NOT NULL THEN v_fits := v_fits || ' AND l.message_id = $6'; END IF;
      v_rows := 'SELECT ' || v_columns || ' FROM dead_letter.letters l WHERE ' || v_fits;
      IF p_ids IS NOT NULL OR p_message_id IS NOT NULL THEN
        IF p_error_type IS NOT NULL THEN v_rows := v_rows || ' AND l.error_type = $3'; END IF;
        IF p_provider IS NOT NULL THEN v_rows := v_rows || ' AND l.provider = $4'; END IF;
      ELSIF num_nonnulls(p_user_id, p_error_type, p_provider) > 0 THEN
        v_kinds := 'SELECT ' || v_columns || ' FROM dead_letter.letter_kinds($5, $3, $4) k, LATERAL (' || v_rows
          || ' AND l.error_type = k.error_type AND ';
        v_rows := v_kinds || 'l.provider = k.provider' || v_page || ') l' || CASE WHEN p_provider IS NULL
          THEN ' UNION ALL ' || v_kinds || 'l.provider IS NULL' || v_page || ') l WHERE k.provider IS NULL' ELSE '' END;
      END IF;
      RETURN QUERY EXECUTE
        'SELECT l.user_id, l.pinned_provider, count(*), sum(l.segments)::bigint FROM (SELECT l.* FROM (' || v_rows
        || ') l' || v_page || ') l GROUP BY l.user_id, l.pinned_provider'
        USING p_ids, p_unit_state, p_error_type, p_provider, p_user_id, p_message_id, v_from, v_to, p_limit;
    END $$;

    REVOKE ALL ON FUNCTION dead_letter.letter_kinds FROM PUBLIC;
    REVOKE ALL ON FUNCTION dead_letter.find_kept FROM PUBLIC;
    REVOKE ALL ON FUNCTION dead_letter.find_letters FROM PUBLIC;
    REVOKE ALL ON FUNCTION dead_letter.preview_letters FROM PUBLIC;
    DO $$
    BEGIN
      IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'sluice_accounts') THEN
        GRANT EXECUTE ON FUNCTION dead_letter.find_letters TO sluice_accounts;
        GRANT EXECUTE ON FUNCTION dead_letter.preview_letters TO sluice_accounts;
      END IF;
    END $$;
    """
}
