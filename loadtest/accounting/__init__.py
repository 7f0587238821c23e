"""What was sent, and who got it when: stamps, accounts, epochs of membership, histograms. Knows no sockets."""
