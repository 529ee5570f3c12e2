"""COPY: its grammar, the formats, strict fields, and the story of one load."""
