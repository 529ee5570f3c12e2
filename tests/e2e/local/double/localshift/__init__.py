"""A stand-in for localshift that starts in no time: what the supervisor sees of it, and nothing else."""
