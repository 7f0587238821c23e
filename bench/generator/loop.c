/* The loop: wait, read, cut into lines, and see what each line says. */
#include "generator.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { READ_BYTES = 256 << 10 }; /* one recv; several hundred messages, so that a batch costs one system call */

int loop = -1, timer = -1, most_events = PROMPT;
bool stdin_ended;
_Atomic uint64_t last_arrival, join_lines;
_Atomic uint32_t joined, pongs;

void watch(int in, int how, int fd, unsigned events, void *with)
{
    struct epoll_event wanted = {.events = events, .data.ptr = with};
    if (epoll_ctl(in, how, fd, &wanted) < 0)
        quit(1, "epoll: %s", strerror(errno));
}

static bool is(const char *command, const char *end, const char *name)
{
    size_t size = strlen(name);
    return (size_t)(end - command) > size && memcmp(command, name, size) == 0 && command[size] == ' ';
}

/* One line without its ending. The byte at line[size] is the line ending, so number parsing stops there. */
static void on_line(struct connection *c, const char *line, size_t size)
{
    const char *end = line + size, *command = line;
    size_t text = (size_t)option.text;
    /* The text is the end of its line and of a known length: one comparison tells a delivery from anything else. */
    if (size > text && memcmp(end - text, MARK, MARK_SIZE) == 0) {
        on_delivery(c, end - text);
        return;
    }
    if (size && line[0] == ':') {
        const char *space = memchr(line, ' ', size);
        if (!space)
            return;
        command = space + 1;
    }
    if (is(command, end, "JOIN")) {
        join_lines++;
    } else if (is(command, end, "PING")) {
        putf(c, "PONG %.*s\r\n", (int)(end - command - 5), command + 5);
    } else if (is(command, end, "PONG")) {
        pongs++;
    } else if (is(command, end, "001")) {
        ask_to_join(c);
    } else if (is(command, end, "366")) {
        joined += ++c->rooms_joined == rooms_each;
    } else if (is(command, end, "ERROR") ||
               (end - command > 3 && (command[0] == '4' || command[0] == '5') && command[3] == ' ' &&
                memcmp(command, "422", 3) != 0)) { /* 422: no message of the day */
        quit(1, "the server refused member %u: %.*s", c->number, (int)size, line);
    }
}

/* A line may begin in one recv and end in another: its first part waits in `keep` and is put in front of the rest.
 * True when it must be called again, for what no poller will report. */
static bool on_readable(struct connection *c)
{
    static _Thread_local char space[LINE_MAX_BYTES + READ_BYTES];
    char *start = space + LINE_MAX_BYTES - c->kept, *end;
    bool more = false;
    ssize_t got = receive(c, space + LINE_MAX_BYTES, READ_BYTES, &more);
    read_clock();
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (got <= 0)
        quit(1, "the server closed member %u's connection (%s): %u of %u had joined, %u of %u messages were complete",
             c->number, got < 0 ? strerror(errno) : "end of stream", joined, total, finished, sent);
    last_arrival = now;
    memcpy(start, c->keep, c->kept);
    end = space + LINE_MAX_BYTES + got;
    for (char *feed; (feed = memchr(start, '\n', (size_t)(end - start))); start = feed + 1)
        on_line(c, start, (size_t)(feed - start) - (feed > start && feed[-1] == '\r'));
    if (end - start > LINE_MAX_BYTES)
        quit(1, "member %u got a line of over %td bytes, the limit is %d", c->number, end - start, LINE_MAX_BYTES);
    c->kept = (uint32_t)(end - start);
    memcpy(c->keep, start, c->kept);
    return more;
}

void on_ready(struct connection *c, unsigned events)
{
    if (!c->open) {
        on_connected(c);
        return;
    }
    if (events & EPOLLOUT && c->owed_size)
        on_writable(c);
    if (events & ~EPOLLOUT)
        while (on_readable(c))
            ;
}

/* Wait once, at most `wait_ms`, and handle what is ready: so many events. Ends the run when a message is overdue. */
int pump(int wait_ms)
{
    struct epoll_event ready[EVENTS];
    int count = epoll_wait(loop, ready, most_events, wait_ms);
    if (count < 0 && errno != EINTR)
        quit(1, "epoll: %s", strerror(errno));
    read_clock();
    for (int i = 0; i < count; i++) {
        char unused[64];
        if (ready[i].data.ptr == &timer)
            (void)!read(timer, unused, sizeof unused);
        else if (ready[i].data.ptr == &finished)
            take_finished();
        else if (ready[i].data.ptr == &stdin_ended)
            stdin_ended = read(STDIN_FILENO, unused, sizeof unused) <= 0;
        else
            on_ready(ready[i].data.ptr, ready[i].events);
    }
    hold_to_deadline();
    return count;
}
