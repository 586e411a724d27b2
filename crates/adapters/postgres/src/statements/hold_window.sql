INSERT INTO metric_windows (window_number, users, events) VALUES ($1, 0, 0)
ON CONFLICT (window_number) DO UPDATE SET events = metric_windows.events
RETURNING events
