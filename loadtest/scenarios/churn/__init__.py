"""`churn`: users come, chat and leave in a steady flow; some stay and watch."""
