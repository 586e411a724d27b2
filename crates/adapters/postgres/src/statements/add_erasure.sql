WITH counted AS (UPDATE facts SET value = value + 1 WHERE name = 'erasures' RETURNING value)
INSERT INTO erasures (number, user_id, lanes, nexts) SELECT value, $1, $2, $3 FROM counted RETURNING number
