SELECT event_ids.position, block.first, block.value
FROM event_ids
CROSS JOIN LATERAL (
    SELECT first, value FROM blocks
    WHERE lane = (event_ids.position >> 32)::integer AND first <= event_ids.position
    ORDER BY first DESC LIMIT 1
) AS block
WHERE id = $1
