SELECT segment, sum(users)::bigint AS users FROM segment_counts
GROUP BY segment HAVING sum(users) > 0
ORDER BY 2 DESC, 1
LIMIT $1
