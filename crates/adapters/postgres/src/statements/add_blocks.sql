INSERT INTO blocks (lane, first, oldest, newest, value)
SELECT $1, first, oldest, newest, value FROM unnest($2, $3, $4, $5) AS block (first, oldest, newest, value)
