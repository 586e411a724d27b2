UPDATE facts SET value = $1 WHERE name = 'floor'
