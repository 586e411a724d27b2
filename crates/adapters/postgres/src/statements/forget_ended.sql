WITH mark AS (SELECT counted_s FROM segment_mark FOR SHARE)
DELETE FROM memberships USING mark
WHERE memberships.ctid = ANY (ARRAY(
        SELECT ctid FROM memberships WHERE expires_at < $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED
    )) AND expires_at < $1 AND expires_at <= mark.counted_s
RETURNING 1
