SELECT user_id, events FROM user_metrics WHERE window_number = $1 AND user_id > $2 ORDER BY user_id LIMIT $3
