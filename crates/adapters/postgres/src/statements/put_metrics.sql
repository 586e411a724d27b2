INSERT INTO user_metrics (user_id, window_number, events, created_at)
SELECT user_id, $1, events, $2 FROM unnest($3, $4) AS counted (user_id, events)
ON CONFLICT (user_id, window_number) DO UPDATE SET events = excluded.events
