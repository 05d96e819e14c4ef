"""Accounts on real exchanges, through ccxt."""
