"""Samples become the contract a person would have written: format, columns with types and rules, key, partition.

The room is pure: the command line reads the files. `api.py` is its door.
"""
