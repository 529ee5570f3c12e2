"""Delta tables: data files with statistics, the one commit function, reading. Nothing here knows sources or marts."""
