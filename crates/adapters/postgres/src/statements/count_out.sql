WITH titles AS (
    SELECT DISTINCT segment FROM segment_counts
), gone AS MATERIALIZED (
    SELECT segment, (
        SELECT count(*) FROM memberships
        WHERE memberships.segment = titles.segment AND expires_at > $1 AND expires_at <= $2
    ) AS users
    FROM titles
)
INSERT INTO segment_counts (segment, part, users)
SELECT segment, -1, -users FROM gone WHERE users > 0 ORDER BY segment
ON CONFLICT (segment, part) DO UPDATE SET users = segment_counts.users + excluded.users
