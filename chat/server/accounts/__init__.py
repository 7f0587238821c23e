"""Passwords and logins: verifiers, SCRAM, limits of attempts, the hashing thread. Knows no users and no wire."""
