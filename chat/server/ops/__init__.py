"""Operating the server as a process: signals, logging, status and exit status. Nothing here knows rooms or sockets."""
