"""Market data of real exchanges, through ccxt."""
