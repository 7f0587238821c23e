/* Load an IRC server with members in rooms, and measure what arrives.
 *
 * One process and one thread that sends; it reads too, or with --readers N so many threads read, each with an epoll loop
 * and a share of the members. It knows just enough IRC to register, join and count; it starts no server
 * and compares nothing. Prints one JSON object on stdout and exits 0; a message that is lost, repeated, out of order or
 * late past its deadline, or a connection that the server closes, is one line on stderr and exit 1; a wrong option is
 * exit 2.
 *
 * Modes with one room, once `members` receivers and one sender on top of them are in it:
 *   saturated  the sender keeps `window` messages unfinished for `seconds`; a message is finished when all have it
 *   steady     `rate` messages a second on a fixed timetable; latencies count from the intended moment, not the actual
 * Modes with `members` users, each in `rooms-each` rooms of `room-size`:
 *   busy       everybody speaks in turn on a fixed timetable; searches the highest rate, from `rate` up or down, at
 *              which 99 of 100 messages are finished within `limit` seconds
 *   send       everybody speaks in turn, as fast as the server reads; it must tell nobody
 * Mode with either:
 *   idle       nobody speaks for `seconds`; the connections stay until stdin ends, so that the caller can look at the
 *              server's memory
 */
#include "generator.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>

enum {
    FILES_BESIDE = 16,     /* descriptors that are not members: epoll, timer, the standard three */
    REPORT_BYTES = 1 << 16 /* so that a report is one write, or none when a late error drops it */
};

int main(int argc, char **argv)
{
    struct rlimit files;
    read_options(argc, argv);
    setvbuf(stdout, NULL, _IOFBF, REPORT_BYTES);
    total = (uint32_t)option.members + !option.rooms_each;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_cur < total + FILES_BESIDE)
        quit(1, "%.0f members need %u open files, the limit is %ju", option.members, total + FILES_BESIDE,
             files.rlim_cur);
    connections = calloc(total, sizeof *connections);
    loop = epoll_create1(EPOLL_CLOEXEC);
    if (!connections || loop < 0)
        quit(1, "start: %s", strerror(errno));
    seat_everybody();
    printf("{\"mode\": \"%s\", \"members\": %.0f, \"rooms\": %u, \"rooms_each\": %u, \"readers\": %.0f", mode_name, option.members,
           room_count, rooms_each, option.readers);
    arrive();
    if (option.readers && mode != IDLE)
        start_readers();
    switch (mode) {
    case SATURATED:
        run_saturated();
        break;
    case STEADY:
        run_steady();
        break;
    case BUSY:
        run_busy();
        break;
    case SEND:
        run_send();
        break;
    case IDLE:
        run_idle();
        return 0;
    }
    printf("}\n");
    return 0;
}
