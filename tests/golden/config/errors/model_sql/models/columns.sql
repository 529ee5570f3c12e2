-- the ids
WITH x AS (SELECT 1 AS one)
SELECT id AS ident, date(day), count(*) AS n, count(*) AS n
FROM events, x
