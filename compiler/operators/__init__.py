"""What each operator means: one file per family, no SQL."""
