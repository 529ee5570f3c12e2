SELECT *, 1 AS anything FROM events;
-- a comment behind the end
