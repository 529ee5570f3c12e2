SELECT id AS idd, id FROM events
UNION ALL
SELECT id, day FROM events
