"""What is kept on this machine: logs, drafts and unsent lines. Knows no widgets."""
