"""Statements other than queries: DDL, rights, settings, upkeep. Text in, plans out."""
