"""Read models: what the command line, pages, alerts and notebooks show of a journal or of a running pipeline."""
