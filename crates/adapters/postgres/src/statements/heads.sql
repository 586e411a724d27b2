SELECT 0 AS kind, lane::bigint AS number, next AS value, NULL::text AS user_id, NULL::integer[] AS lanes, NULL::bigint[] AS nexts
FROM lanes
UNION ALL
SELECT CASE name WHEN 'floor' THEN 1 WHEN 'erasures' THEN 2 ELSE 4 END, 0, value, NULL, NULL, NULL FROM facts
UNION ALL
SELECT 3, number, 0, user_id, lanes, nexts FROM erasures WHERE number > $1
ORDER BY 1, 2
