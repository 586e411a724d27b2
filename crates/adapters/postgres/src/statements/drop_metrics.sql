DELETE FROM user_metrics USING (
    SELECT user_id, window_number FROM user_metrics WHERE window_number < $1 LIMIT $2
) AS old
WHERE user_metrics.user_id = old.user_id AND user_metrics.window_number = old.window_number
RETURNING 1
