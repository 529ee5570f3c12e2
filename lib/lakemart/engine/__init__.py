"""Runs task functions inline or on Spark, and builds the Spark session; nobody else does. Reads and commits nothing."""
