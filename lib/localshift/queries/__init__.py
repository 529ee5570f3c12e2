"""Queries and DML from Redshift's dialect into PostgreSQL's, and the refusals. Text in, text out."""
