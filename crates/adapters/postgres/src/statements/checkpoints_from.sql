SELECT first, past, value FROM checkpoints WHERE lane = $1 AND first >= $2 AND past <= $3 ORDER BY first LIMIT 4
