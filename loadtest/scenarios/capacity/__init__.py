"""`capacity`: a search for the highest load that keeps the requirement."""
