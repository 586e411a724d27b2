UPDATE facts SET value = $1 WHERE name = 'floor' AND value < $1
