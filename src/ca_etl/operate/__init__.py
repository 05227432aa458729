"""What an operator looks at and hears of: alerts, doctor, status."""
