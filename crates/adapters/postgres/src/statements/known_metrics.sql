SELECT user_id, events FROM user_metrics WHERE window_number = $1 AND user_id = ANY ($2)
