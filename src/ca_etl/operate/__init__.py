"""What an operator needs: status, doctor, alerts and their channels."""
