SELECT window_number, users, events FROM metric_windows WHERE window_number >= $1 AND window_number < $2
