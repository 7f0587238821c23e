/* The least that a chat server can do: one room, one thread, one epoll loop, batched broadcast, in C.
 *
 * A yardstick, not a server: what the machine itself allows. It answers NICK, USER, JOIN, PRIVMSG and PING, believes
 * every client and keeps no history. What arrives during one pass of the loop is put in one block, and goes to each
 * member with one send at the end of the pass.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    LINE_BYTES = 512, /* RFC 1459, section 2.3 */
    READ_BYTES = 64 << 10,
    EVENTS = 512,
    OWED_LIMIT = 8 << 20 /* bytes that wait for a slow reader before it is dropped */
};

struct buffer {
    char *data;
    size_t size, capacity;
};

struct client {
    int fd; /* -1: gone, freed at the end of the pass */
    size_t slot; /* where it stands in `room`, when `member` */
    bool member;
    bool special; /* joined or spoke in this pass: not the whole block is for it */
    bool joining; /* its 366 follows the block, so that it comes after its JOIN */
    size_t from;  /* a member that joined in this pass gets the block from here on */
    size_t kept;  /* bytes of an unfinished line */
    char nick[32], keep[LINE_BYTES];
    struct buffer owed; /* what a short write left */
};

static struct { size_t at, size; const struct client *by; } *lines; /* the block's lines; by NULL: for everybody */
static size_t line_count, line_capacity;
static struct buffer block, part;
static struct client **room, **gone;
static size_t room_size, room_capacity, gone_size, gone_capacity;
static int loop;

static void *grown(void *array, size_t *capacity, size_t needed, size_t each)
{
    if (needed <= *capacity)
        return array;
    *capacity = needed * 2;
    if (!(array = realloc(array, *capacity * each)))
        abort();
    return array;
}

static void append(struct buffer *to, const char *data, size_t size)
{
    to->data = grown(to->data, &to->capacity, to->size + size, 1);
    memcpy(to->data + to->size, data, size);
    to->size += size;
}

static void watch(struct client *c, int how, unsigned events)
{
    struct epoll_event wanted = {.events = events, .data.ptr = c};
    epoll_ctl(loop, how, c->fd, &wanted);
}

static void drop(struct client *c)
{
    if (c->fd < 0)
        return;
    close(c->fd);
    c->fd = -1;
    if (c->member) {
        room[c->slot] = room[--room_size];
        room[c->slot]->slot = c->slot;
    }
    gone = grown(gone, &gone_capacity, gone_size + 1, sizeof *gone);
    gone[gone_size++] = c;
}

static void give(struct client *c, const char *data, size_t size)
{
    ssize_t took = 0;
    if (c->fd < 0 || !size)
        return;
    if (!c->owed.size && (took = send(c->fd, data, size, MSG_NOSIGNAL)) < 0) {
        if (errno != EAGAIN) {
            drop(c);
            return;
        }
        took = 0;
    }
    if ((size_t)took == size)
        return;
    if (!c->owed.size)
        watch(c, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
    append(&c->owed, data + took, size - (size_t)took);
    if (c->owed.size > OWED_LIMIT)
        drop(c);
}

static void pay(struct client *c)
{
    ssize_t took = send(c->fd, c->owed.data, c->owed.size, MSG_NOSIGNAL);
    if (took < 0) {
        if (errno != EAGAIN)
            drop(c);
        return;
    }
    c->owed.size -= (size_t)took;
    memmove(c->owed.data, c->owed.data + took, c->owed.size);
    if (!c->owed.size)
        watch(c, EPOLL_CTL_MOD, EPOLLIN);
}

static void broadcast(const struct client *by, const char *nick, const char *rest, size_t size)
{
    lines = grown(lines, &line_capacity, line_count + 1, sizeof *lines);
    lines[line_count].by = by;
    lines[line_count].at = block.size;
    append(&block, ":", 1);
    append(&block, nick, strlen(nick));
    append(&block, "!b@bare ", 8);
    append(&block, rest, size);
    append(&block, "\r\n", 2);
    lines[line_count].size = block.size - lines[line_count].at;
    line_count++;
}

static void on_line(struct client *c, const char *line, size_t size)
{
    char reply[LINE_BYTES + 64];
    if (size > 8 && !memcmp(line, "PRIVMSG ", 8)) {
        c->special = true;
        broadcast(c, c->nick, line, size);
    } else if (size > 5 && !memcmp(line, "PING ", 5)) {
        give(c, reply, (size_t)sprintf(reply, "PONG %.*s\r\n", (int)size - 5, line + 5));
    } else if (size > 5 && !memcmp(line, "NICK ", 5)) {
        snprintf(c->nick, sizeof c->nick, "%.*s", (int)size - 5, line + 5);
    } else if (size > 5 && !memcmp(line, "USER ", 5)) {
        give(c, reply, (size_t)sprintf(reply, ":bare 001 %s :Welcome\r\n", c->nick));
    } else if (size > 5 && !memcmp(line, "JOIN ", 5) && !c->member) {
        room = grown(room, &room_capacity, room_size + 1, sizeof *room);
        room[c->slot = room_size++] = c;
        c->member = c->special = c->joining = true;
        c->from = block.size;
        broadcast(NULL, c->nick, line, size);
    }
}

static void flush(void)
{
    char end[128];
    for (size_t i = room_size; i-- > 0;) { /* downwards: a drop puts an already served member in the empty place */
        struct client *c = room[i];
        if (!c->special) {
            give(c, block.data, block.size);
            continue;
        }
        part.size = 0;
        for (size_t k = 0; k < line_count; k++)
            if (lines[k].at >= c->from && lines[k].by != c)
                append(&part, block.data + lines[k].at, lines[k].size);
        if (c->joining)
            append(&part, end, (size_t)sprintf(end, ":bare 366 %s #bench :End of /NAMES list.\r\n", c->nick));
        c->special = c->joining = false;
        c->from = 0;
        give(c, part.data, part.size);
    }
    block.size = line_count = 0;
}

static void on_readable(struct client *c)
{
    static char space[LINE_BYTES + READ_BYTES];
    char *start = space + LINE_BYTES - c->kept, *end, *feed;
    ssize_t got = recv(c->fd, space + LINE_BYTES, READ_BYTES, 0);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) {
        drop(c);
        return;
    }
    memcpy(start, c->keep, c->kept);
    end = space + LINE_BYTES + got;
    for (; c->fd >= 0 && (feed = memchr(start, '\n', (size_t)(end - start))); start = feed + 1)
        if (feed - start <= LINE_BYTES)
            on_line(c, start, (size_t)(feed - start) - (feed > start && feed[-1] == '\r'));
    if (end - start > LINE_BYTES) {
        drop(c);
        return;
    }
    c->kept = (size_t)(end - start);
    memcpy(c->keep, start, c->kept);
}

static void on_arrivals(int listener)
{
    int fd, yes = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct client *c = calloc(1, sizeof *c);
        if (!c)
            abort();
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        c->fd = fd;
        watch(c, EPOLL_CTL_ADD, EPOLLIN);
    }
}

int main(int argc, char **argv)
{
    int yes = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event ready[EVENTS], arrivals = {.events = EPOLLIN, .data.ptr = NULL};

    at.sin_port = htons((unsigned short)(argc == 2 ? atoi(argv[1]) : 0));
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    loop = epoll_create1(EPOLL_CLOEXEC);
    if (argc != 2 || bind(listener, (struct sockaddr *)&at, sizeof at) < 0 || listen(listener, SOMAXCONN) < 0 ||
        epoll_ctl(loop, EPOLL_CTL_ADD, listener, &arrivals) < 0) {
        fprintf(stderr, "bare_epoll PORT: cannot listen on 127.0.0.1: %s\n", strerror(errno));
        return 2;
    }
    for (;;) {
        int count = epoll_wait(loop, ready, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            struct client *c = ready[i].data.ptr;
            if (!c) {
                on_arrivals(listener);
                continue;
            }
            if (c->fd >= 0 && ready[i].events & EPOLLOUT)
                pay(c);
            if (c->fd >= 0 && ready[i].events & ~EPOLLOUT)
                on_readable(c);
        }
        flush();
        while (gone_size) {
            free(gone[--gone_size]->owed.data);
            free(gone[gone_size]);
        }
    }
}
