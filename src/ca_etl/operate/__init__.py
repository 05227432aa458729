"""The commands of an operator: status, doctor and alerts, with the channels that send alerts."""
