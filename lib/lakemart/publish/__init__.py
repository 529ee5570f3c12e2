"""Publish: a mart's slices from the lake into Amazon Redshift, whole, once, and only when they fit.

`stage` tells the protocol what to plan, stage and load; `load` is the story of one load; `client` alone speaks to the
warehouse; `render` alone makes SQL text. Nothing here knows sources, Spark or the command line.
"""
