"""What a table promises: types, columns, keys, options. Values only: no I/O, no clock, no configuration files."""
