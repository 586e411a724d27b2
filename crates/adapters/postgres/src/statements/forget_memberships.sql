WITH mark AS (
    SELECT counted_s FROM segment_mark FOR SHARE
), gone AS (
    DELETE FROM memberships USING mark WHERE user_id = $1
    RETURNING segment, expires_at > counted_s AS is_counted
)
INSERT INTO segment_counts (segment, part, users)
SELECT segment, $2, -1 FROM gone WHERE is_counted ORDER BY segment
ON CONFLICT (segment, part) DO UPDATE SET users = segment_counts.users + excluded.users
