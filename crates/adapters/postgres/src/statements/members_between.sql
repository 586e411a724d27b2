SELECT segment, count(*) AS users FROM memberships WHERE expires_at > $1 AND expires_at <= $2 GROUP BY segment
