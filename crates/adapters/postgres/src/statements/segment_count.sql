SELECT counted_s, (
    SELECT coalesce(sum(users), 0)::bigint FROM segment_counts WHERE segment = $1
) - (
    SELECT count(*) FROM memberships WHERE expires_at > counted_s AND expires_at <= $2 AND segment = $1
) AS users
FROM segment_mark
