"""How fast it is, beside what the same work costs without it: `python -m benchmarks --help`."""
