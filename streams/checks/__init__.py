"""What must hold when a waiting signal is about to become an order: one check a file."""
