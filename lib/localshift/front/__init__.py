"""What clients meet: the listening server, sessions, messages, and what happens with each statement."""
