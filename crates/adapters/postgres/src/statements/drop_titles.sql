DELETE FROM segment_counts
WHERE segment IN (SELECT segment FROM segment_counts GROUP BY segment HAVING sum(users) = 0)
