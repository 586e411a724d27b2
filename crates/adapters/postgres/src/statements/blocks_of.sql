WITH wanted AS (
    SELECT DISTINCT block.lane, block.first
    FROM unnest($1, $2) AS place (lane, position)
    CROSS JOIN LATERAL (
        SELECT lane, first FROM blocks
        WHERE blocks.lane = place.lane AND blocks.first <= place.position
        ORDER BY first DESC LIMIT 1
    ) AS block
)
SELECT lane, first, value FROM wanted JOIN blocks USING (lane, first)
