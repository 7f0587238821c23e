"""What an attacker tries, and what must hold for everybody else. Default limits, unless a test says otherwise.

Tests with the parameter `scheme` hold over TCP (`irc`), TLS (`ircs`) and WebSocket (`ws`): `transports.py`. The others
do not depend on what carries the bytes, or make no sense on one of them:

- places, rates of connections and PROXY headers are counted by the acceptor, before a handshake: `test_getting_in.py`;
- the unframed wires by TLS are the same wires behind the transport of `ircs`, and do not exist by WebSocket; a bare
  connect to them is by TLS a handshake that is never done: `tests/net/test_tls.py`;
- a browser's request to a port, and TLS to one without it, are what WebSocket and TLS are made of: `test_faults.py`;
- lists of thousands of rooms, masks and the log's memory are made or kept before a reader's transport has a say;
- of a packet of 250 KB a WebSocket client's frames are processed at its rate, where TCP's bytes are a flood: what has
  come of a frame waits in the library, 8 KiB at most, and not in the input that is limited;
- signals, files and settings are the process's: `tests/ops`.

TLS and WebSocket have attacks of their own: `test_tls.py`, `test_web_socket.py`. Some of the fuzzer's users come by
each.
"""
