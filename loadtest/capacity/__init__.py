"""The search for the highest load that keeps a requirement. Plays nothing itself."""
