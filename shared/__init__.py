"""Noon's control plane: pure decisions, the ports they need and the adapters behind them."""
