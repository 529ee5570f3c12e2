"""Redshift SQL as tokens: what all small grammars here are written with. No I/O."""
