UPDATE metric_windows SET (users, events) = (
    SELECT count(*), coalesce(sum(events), 0) FROM user_metrics WHERE window_number = $1
)
WHERE window_number = $1
RETURNING users, events
