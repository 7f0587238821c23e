"""`stampede`: the server is restarted under all users, and they come back."""
