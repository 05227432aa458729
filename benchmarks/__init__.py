"""What the README claims about speed, runnable: `python -m benchmarks`, or one claim at a time."""
