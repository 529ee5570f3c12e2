
SELECT id, day FROM events;
SELECT id, day FROM events;
