SELECT
  event_date,
  repo_name,
  count_if(event_type = 'PushEvent') AS pushes,
  coalesce(sum(CASE WHEN event_type = 'PushEvent' THEN push_size END), 0) AS commits,
  count_if(event_type = 'WatchEvent' AND action = 'started') AS watchers_gained,
  count(DISTINCT CASE WHEN event_type = 'PushEvent' THEN actor_login END) AS pushers
FROM github_events
WHERE repo_name IS NOT NULL
GROUP BY event_date, repo_name
