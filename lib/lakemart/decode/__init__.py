"""Bytes and a contract become typed Arrow rows or rejects with their exact bytes: README.md here is the specification.

The room is pure: no I/O, no clock, no Spark, no configuration. `api.py` is its door.
"""
