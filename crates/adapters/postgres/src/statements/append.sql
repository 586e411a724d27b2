WITH moved AS (
    UPDATE lanes SET next = $4, leased_until = now() + interval '30 seconds'
    WHERE lane = $1 AND holder = $2 AND next = $3
    RETURNING lane
), known AS (
    INSERT INTO event_ids (id, position, at)
    SELECT id, position, at FROM unnest($5, $6, $7) AS event (id, position, at)
), kept AS (
    INSERT INTO blocks (lane, first, oldest, newest, value)
    SELECT $1, first, oldest, newest, value FROM unnest($8, $9, $10, $11) AS block (first, oldest, newest, value)
)
SELECT 1 / count(*) FROM moved
