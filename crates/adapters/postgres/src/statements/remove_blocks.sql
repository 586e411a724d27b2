DELETE FROM blocks WHERE lane = $1 AND first >= $2 AND first < $3
