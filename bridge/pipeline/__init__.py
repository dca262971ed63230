"""The story in six verbs: accept, translate, forward, track, record_outcome, write_back."""
