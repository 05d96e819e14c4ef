"""Files on disk: who may read them, and what a full disk says."""
