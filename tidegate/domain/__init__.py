"""What the words mean: values and pure rules. No streams, no I/O, no clock."""
