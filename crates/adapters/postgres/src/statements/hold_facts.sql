SELECT name, value FROM facts WHERE name IN ('erasures', 'floor') ORDER BY name FOR SHARE
