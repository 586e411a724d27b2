DELETE FROM segment_counts
WHERE NOT EXISTS (SELECT 1 FROM memberships WHERE memberships.segment = segment_counts.segment)
