"""Builds the tables of models: their order, the slices that are due, the query, the audit. Spark reads; it never commits."""
