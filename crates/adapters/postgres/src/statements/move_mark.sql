WITH before AS (SELECT counted_s FROM segment_mark FOR UPDATE)
UPDATE segment_mark
SET counted_s = $1, taken_at = greatest(segment_mark.taken_at + 1, $2)
FROM before
RETURNING before.counted_s AS before_s, segment_mark.taken_at
