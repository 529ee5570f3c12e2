"""The embedded environment: an S3 server and localshift as child processes of one small supervisor for each state.

They are up while a command runs that needs them, or from `up` to `down`. Everything listens on loopback only, and
everything ends with the supervisor. Begin at `environment.py`; `supervisor.py` is the other end.
"""
