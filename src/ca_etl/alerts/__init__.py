"""Alerts: conditions that an operator should hear of, told once when they begin and once when they end."""
