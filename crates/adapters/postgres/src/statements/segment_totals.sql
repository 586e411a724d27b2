SELECT segment, sum(users)::bigint AS users FROM segment_counts GROUP BY segment
