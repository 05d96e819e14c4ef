"""A recorded past under virtual time."""
