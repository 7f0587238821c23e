"""State and rules: the users, the rooms, and which client is sent what. Knows no sockets and no threads."""
