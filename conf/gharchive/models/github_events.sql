-- Both shapes as one feed of events; what only one of them has stays behind.
SELECT id, event_type, occurred_at, event_date, actor_login, repo_name, action, push_size
FROM events_2012
UNION ALL
SELECT id, event_type, occurred_at, event_date, actor_login, repo_name, action, push_size
FROM events_2015
