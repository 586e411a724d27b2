UPDATE blocks SET value = new.value, oldest = new.oldest, newest = new.newest
FROM unnest($2, $3, $4, $5) AS new (first, oldest, newest, value)
WHERE blocks.lane = $1 AND blocks.first = new.first
