DELETE FROM metric_windows WHERE window_number < $1
