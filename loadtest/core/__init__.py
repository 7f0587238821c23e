"""What is measured and what it means: messages, accounts, figures, verdicts. Pure: no socket, no gevent, no Locust."""
