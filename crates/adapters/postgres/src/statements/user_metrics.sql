SELECT user_id, window_number, events, created_at FROM user_metrics
WHERE window_number < $2 AND (window_number, user_id) > ($1, $3)
ORDER BY window_number, user_id
LIMIT $4
