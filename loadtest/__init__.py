"""The load test: a raw-socket chat user for Locust, and scenarios that account for every delivery.

It tests any IRC server. Of the server beside it, it knows only the wires, the events and the errors.
"""
