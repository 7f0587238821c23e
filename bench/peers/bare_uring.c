/* The least that a chat server can do, with io_uring: bare_epoll.c, whose blocks the kernel sends in parallel.
 *
 * The second yardstick: what the machine allows a server that lets the kernel send. $RINGS is the number of polled rings;
 * by default one for each four cores from 8 cores on, and with fewer one ring that is not polled.
 */
#define URING
#include "bare_epoll.c"
