SELECT (
    SELECT coalesce(sum(users), 0)::bigint FROM segment_counts WHERE segment = $1
) - (
    SELECT count(*) FROM memberships
    WHERE segment = $1 AND expires_at > (SELECT counted_s FROM segment_mark) AND expires_at <= $2
) AS users
