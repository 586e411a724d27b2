INSERT INTO lanes (lane, next, holder, leased_until)
SELECT lane, lane::bigint << 32, $1, now() + interval '30 seconds'
FROM (SELECT coalesce(max(lane) + 1, 0) AS lane FROM lanes) AS new
ON CONFLICT DO NOTHING
RETURNING lane, next
