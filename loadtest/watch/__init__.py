"""What processes and the machine take: the server's, the generator's. Judges nothing."""
