WITH gone AS (
    DELETE FROM user_metrics WHERE user_id = $1 RETURNING window_number, events
)
UPDATE metric_windows SET users = metric_windows.users - 1, events = metric_windows.events - gone.events
FROM gone WHERE metric_windows.window_number = gone.window_number
