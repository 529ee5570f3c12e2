"""The command line: arguments in, one document or a table out, and the exit code the interface promises."""
