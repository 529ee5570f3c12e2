"""What users write (YAML, SQL, environment, `--set`) → frozen values, with every problem at its file, line and column.

Reads files and the environment; opens no store and no connection. Secrets stay references until `secrets.resolve`.
Begin at `load.py`; what comes out stands in `project.py`, `source.py` and `model.py`.
"""
