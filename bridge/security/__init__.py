"""Who may call, what is sealed, what is masked, what is written into the audit chain."""
