INSERT INTO segment_counts (segment, part, users)
SELECT segment, -1, $3 * count(*) FROM memberships
WHERE expires_at > $1 AND expires_at <= $2
GROUP BY segment ORDER BY segment
ON CONFLICT (segment, part) DO UPDATE SET users = segment_counts.users + excluded.users
