"""UNLOAD: its grammar, the formats, and the story of one unload."""
