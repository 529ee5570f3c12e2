"""The stages of set-up, one file each; they use the standard library alone, since nothing else is installed yet."""
