SELECT
  r.event_date,
  r.repo_name,
  r.pushes,
  d.pushes AS day_pushes,
  CAST(CAST(r.pushes AS DECIMAL(18, 0)) / d.pushes AS DECIMAL(9, 6)) AS share
FROM repository_days AS r
INNER JOIN (
  SELECT event_date, sum(events) AS pushes
  FROM hourly_activity
  WHERE event_type = 'PushEvent'
  GROUP BY event_date
) AS d ON d.event_date = r.event_date
WHERE r.pushes > 0
