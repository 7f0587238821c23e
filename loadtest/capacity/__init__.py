"""The search for the highest load that keeps an objective. Plays nothing itself."""
