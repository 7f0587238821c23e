"""The broadcast server: worker threads that own sockets, and the state and rules that know none."""
