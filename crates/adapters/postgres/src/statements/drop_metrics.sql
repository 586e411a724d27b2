DELETE FROM user_metrics
WHERE ctid = ANY (ARRAY(SELECT ctid FROM user_metrics WHERE window_number < $1 ORDER BY window_number LIMIT $2))
    AND window_number < $1
RETURNING 1
