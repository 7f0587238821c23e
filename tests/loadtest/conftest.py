"""Tests of the load test know all its scenarios."""

from loadtest import scenarios

scenarios.load()
