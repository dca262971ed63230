"""The doors: bytes in, to the pipeline, an honest answer out."""
