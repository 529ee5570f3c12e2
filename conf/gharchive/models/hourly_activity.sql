SELECT
  event_date,
  hour(occurred_at) AS event_hour,
  event_type,
  count(*) AS events,
  count(DISTINCT actor_login) AS actors,
  count(DISTINCT repo_name) AS repos
FROM github_events
GROUP BY event_date, hour(occurred_at), event_type
