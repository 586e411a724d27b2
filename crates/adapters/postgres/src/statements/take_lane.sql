UPDATE lanes SET holder = $1, leased_until = now() + interval '30 seconds'
WHERE lane = (
    -- A lane has room for four thousand million events; the last of them are left alone.
    SELECT lane FROM lanes WHERE leased_until < now() AND (next & 4294967295) < 4000000000
    ORDER BY lane LIMIT 1 FOR UPDATE SKIP LOCKED
)
RETURNING lane, next
