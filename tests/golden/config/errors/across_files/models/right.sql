SELECT 1 AS id, current_date() AS day
