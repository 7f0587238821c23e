"""The broadcast server: one log, one loop thread that owns the sockets, and state and rules that know no sockets."""
