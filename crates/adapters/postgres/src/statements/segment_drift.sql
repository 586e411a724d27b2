SELECT (
    SELECT coalesce(sum(users), 0)::bigint FROM segment_counts WHERE segment = $1
) AS held, (
    SELECT count(*) FROM memberships
    WHERE segment = $1 AND expires_at > (SELECT counted_s FROM segment_mark)
) AS there
