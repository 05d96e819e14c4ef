"""Accounts on venues: on paper, and on real exchanges through ccxt."""
