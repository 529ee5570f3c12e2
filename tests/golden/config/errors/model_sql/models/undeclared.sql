WITH e AS (SELECT * FROM event)
SELECT e.id, e.day
FROM e
JOIN raw.events r ON r.id = e.id
JOIN delta.`/etc/passwd` ON true
LATERAL VIEW explode(e.tags) t AS tag
