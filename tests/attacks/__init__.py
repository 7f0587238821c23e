"""What an attacker tries, and what must hold for everybody else. Default limits, unless a test says otherwise."""
