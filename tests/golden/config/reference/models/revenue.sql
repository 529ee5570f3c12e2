WITH paid AS (SELECT * FROM orders WHERE state <> 'open')
SELECT p.order_date, p.state, count(*) AS orders, sum(p.total) AS total, max(c.at) AS seen, NULL AS detail
FROM paid p
LEFT JOIN other_clicks c ON c.day = p.order_date
LEFT JOIN page_view v ON v.id = p.order_id
GROUP BY p.order_date, p.state
