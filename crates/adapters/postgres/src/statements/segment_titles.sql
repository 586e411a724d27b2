SELECT DISTINCT segment FROM segment_counts WHERE segment > $1 ORDER BY segment LIMIT $2
