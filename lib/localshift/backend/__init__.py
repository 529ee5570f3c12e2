"""The PostgreSQL underneath: its process, connections to it, and the account it runs as."""
