"""The same cross of averages over the same candles in other backtests: outside of all other benchmarks and the gate."""
