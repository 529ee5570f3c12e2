"""What makes a PostgreSQL database look like Redshift: functions, system views, and their memory."""
