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
    SELECT input.user_id, input.segment, input.expires_at
    FROM input LEFT JOIN old USING (user_id, segment)
    ORDER BY input.user_id, input.segment
    ON CONFLICT (user_id, segment) DO UPDATE SET expires_at = excluded.expires_at
    RETURNING user_id, segment, expires_at, xmax <> 0 AS is_renewed
), changes AS (
    SELECT written.segment,
        sum((written.expires_at > mark.counted_s)::integer - coalesce(old.expires_at > mark.counted_s, false)::integer) AS users
    FROM mark, written LEFT JOIN old USING (user_id, segment)
    GROUP BY written.segment
), counted AS (
    INSERT INTO segment_counts (segment, part, users)
    SELECT segment, $4, users FROM changes WHERE users <> 0 ORDER BY segment
    ON CONFLICT (segment, part) DO UPDATE SET users = segment_counts.users + excluded.users
)
SELECT input.place / CASE WHEN written.is_renewed THEN 0 ELSE 1 END AS place
FROM written JOIN input USING (user_id, segment) LEFT JOIN old USING (user_id, segment)
WHERE old.user_id IS NULL
