"""Market data: simulated, recorded, and from real exchanges through ccxt."""
