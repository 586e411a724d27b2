WITH mark AS (
    SELECT counted_s FROM segment_mark FOR SHARE
), input AS (
    SELECT user_id COLLATE "C" AS user_id, segment COLLATE "C" AS segment, expires_at, place
    FROM unnest($1, $2, $3) WITH ORDINALITY AS membership (user_id, segment, expires_at, place)
), old AS (
    SELECT membership.user_id, membership.segment, membership.expires_at
    FROM mark, input JOIN memberships AS membership USING (user_id, segment)
    ORDER BY membership.user_id, membership.segment
    FOR UPDATE OF membership
), written AS (
    INSERT INTO memberships (user_id, segment, expires_at)
    -- Once what is there is locked.
    SELECT user_id, segment, expires_at FROM input WHERE (SELECT count(*) FROM old) >= 0
    ORDER BY user_id, segment
    ON CONFLICT (user_id, segment) DO UPDATE SET expires_at = excluded.expires_at
    RETURNING user_id, segment, expires_at, xmax <> 0 AS is_renewed
), outcome AS (
    -- Grouped and not joined: nobody knows how many rows these are, and a wrong guess would make it quadratic.
    SELECT segment, max(written_at) AS written_at, max(old_at) AS old_at, bool_or(is_renewed) AS is_renewed, max(place) AS place
    FROM (
        SELECT user_id, segment, expires_at AS written_at, NULL::bigint AS old_at, is_renewed, NULL::bigint AS place FROM written
        UNION ALL
        SELECT user_id, segment, NULL, expires_at, NULL, NULL FROM old
        UNION ALL
        SELECT user_id, segment, NULL, NULL, NULL, place FROM input
    ) AS part
    GROUP BY user_id, segment
), changes AS (
    SELECT segment, sum((written_at > counted_s)::integer - coalesce(old_at > counted_s, false)::integer) AS users
    FROM mark, outcome
    GROUP BY segment
), counted AS (
    INSERT INTO segment_counts (segment, part, users)
    SELECT segment, $4, users FROM changes WHERE users <> 0 ORDER BY segment
    ON CONFLICT (segment, part) DO UPDATE SET users = segment_counts.users + excluded.users
)
SELECT place / CASE WHEN is_renewed THEN 0 ELSE 1 END AS place FROM outcome WHERE old_at IS NULL
