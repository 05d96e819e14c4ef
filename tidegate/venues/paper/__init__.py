"""A venue on paper, folded from the journal."""
