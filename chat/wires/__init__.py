"""Byte languages: bytes in, commands out; events in, bytes out. Sans-IO: nothing here knows a socket."""
