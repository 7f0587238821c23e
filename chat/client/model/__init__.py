"""The client's pure state: news in, changes out. No Tk, no sockets, no threads.

`client` holds the networks that one is on, and what the person looks at; `network` is one of them, with its talks.
"""
