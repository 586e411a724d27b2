DELETE FROM memberships
WHERE ctid = ANY (ARRAY(
    SELECT found.ctid
    FROM (SELECT DISTINCT segment FROM segment_counts) AS titles CROSS JOIN LATERAL (
        SELECT memberships.ctid FROM memberships
        WHERE memberships.segment = titles.segment AND expires_at < $1
        ORDER BY expires_at LIMIT $2
    ) AS found
    LIMIT $2
)) AND expires_at < $1
RETURNING 1
