"""The journal, on SQLite."""
