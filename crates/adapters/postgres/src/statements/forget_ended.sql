WITH ended AS (
    SELECT found.user_id, found.segment
    FROM (SELECT DISTINCT segment FROM segment_counts) AS titles CROSS JOIN LATERAL (
        SELECT user_id, segment FROM memberships
        WHERE memberships.segment = titles.segment AND expires_at < $1
        ORDER BY expires_at LIMIT $2
    ) AS found
    LIMIT $2
)
DELETE FROM memberships USING ended
WHERE memberships.user_id = ended.user_id AND memberships.segment = ended.segment AND expires_at < $1
RETURNING 1
