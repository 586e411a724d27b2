SELECT first, value FROM blocks
WHERE lane = $1 AND first < $3
    AND first >= coalesce((SELECT max(first) FROM blocks WHERE lane = $1 AND first <= $2), $2)
ORDER BY first LIMIT 64
