"""Everything that calls others: one file for each counterpart."""
