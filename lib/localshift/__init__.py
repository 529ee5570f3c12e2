"""localshift: a local double of Amazon Redshift that real clients believe and that refuses what Redshift refuses."""

from __future__ import annotations

from localshift.fixture import Localshift, StartError

__all__ = ["Localshift", "StartError"]
