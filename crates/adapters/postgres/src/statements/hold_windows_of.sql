SELECT 1 FROM metric_windows
WHERE window_number IN (SELECT window_number FROM user_metrics WHERE user_id = $1)
ORDER BY window_number FOR UPDATE
