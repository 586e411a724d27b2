UPDATE metric_windows SET users = users + $2, events = events + $3 WHERE window_number = $1
RETURNING users, events
