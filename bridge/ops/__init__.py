"""What operators need: health, logging, metrics, audit, retention."""
