"""The stories above the stages: run, books, status, verify, quarantine. They order the stages; they do none of their work."""
