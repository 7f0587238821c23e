"""`selfcheck`: does the instrument find what a server with known faults does?"""
