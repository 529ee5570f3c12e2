"""Raw objects to clean tables: discover, plan, decode and write, balance. The protocol itself is ledger's."""
