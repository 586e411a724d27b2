SELECT user_id, window_number, events, created_at FROM user_metrics
WHERE user_id = $1 AND window_number >= $2 AND window_number < $3
ORDER BY window_number
LIMIT $4
