/* The least that a chat server can do: rooms, one thread, one epoll loop, batched broadcast, in C.
 *
 * A yardstick, not a server: what the machine itself allows. It answers NICK, USER, JOIN, PRIVMSG and PING, believes
 * every client and keeps no history. What arrives during one pass of the loop is put in one block a room, and goes to
 * each member with one send at the end of the pass. With --deaf it reads everything and tells nobody what is said: it
 * then shows what a generator can send. bare_uring.c is the same with io_uring in place of `send`.
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
    NAME_BYTES = 32,
    SHELVES = 4096, /* of the table of rooms */
    READ_BYTES = 64 << 10,
    EVENTS = 512,
    OWED_LIMIT = 8 << 20 /* bytes that wait for a slow reader before it is dropped */
};

struct buffer {
    char *data;
    size_t size, capacity;
};

struct client;

/* What a client is to a room. */
struct member {
    struct client *client;
    struct room *room;
    size_t slot;  /* where it stands in the room's `members` */
    size_t from;  /* one that joined in this pass gets the block from here on */
    bool special; /* joined or spoke in this pass: not the whole block is for it */
    bool joining; /* its 366 follows the block, so that it comes after its JOIN */
};

struct line {
    size_t at, size;
    const struct client *by; /* NULL: for everybody */
};

struct room {
    char name[NAME_BYTES];
    struct room *next; /* on its shelf */
    struct member **members;
    size_t size, capacity;
    struct buffer block; /* what came in this pass */
    struct line *lines;
    size_t line_count, line_capacity;
};

struct client {
    int fd; /* -1: gone, freed at the end of the pass */
    size_t kept; /* bytes of an unfinished line */
    char nick[NAME_BYTES], keep[LINE_BYTES];
    struct member **seats; /* in the order of joining */
    size_t seat_count, seat_capacity;
    struct buffer owed; /* what a short write left, or what this pass has for it from several rooms */
    bool paid_later; /* it is in `payees` */
    bool blocked; /* a write was short: the loop says when to go on */
    const char *begun; /* with io_uring, what is in flight to it */
    size_t begun_size;
};

static struct room *shelves[SHELVES];
static struct buffer part;
static struct room **busy; /* those with a block */
static struct client **gone, **payees;
static size_t busy_size, busy_capacity, gone_size, gone_capacity, payee_size, payee_capacity;
static int loop;
static bool deaf;

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
    for (size_t i = 0; i < c->seat_count; i++) {
        struct member *m = c->seats[i];
        m->room->members[m->slot] = m->room->members[--m->room->size];
        m->room->members[m->slot]->slot = m->slot;
        free(m);
    }
    c->seat_count = 0;
    gone = grown(gone, &gone_capacity, gone_size + 1, sizeof *gone);
    gone[gone_size++] = c;
}

#ifdef URING
static void begin(struct client *c, const char *data, size_t size);
static void finish(void);
#endif

/* `took`, or errno, is how a send of what is owed went. */
static void paid(struct client *c, ssize_t took)
{
    if (c->fd < 0)
        return;
    if (took < 0 && errno != EAGAIN) {
        drop(c);
        return;
    }
    c->owed.size -= took < 0 ? 0 : (size_t)took;
    memmove(c->owed.data, c->owed.data + (took < 0 ? 0 : took), c->owed.size);
    if (c->owed.size > OWED_LIMIT)
        drop(c);
    else if (c->blocked != (c->owed.size > 0))
        watch(c, EPOLL_CTL_MOD, (c->blocked = !c->blocked) ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static void pay(struct client *c)
{
    if (c->fd >= 0)
        paid(c, send(c->fd, c->owed.data, c->owed.size, MSG_NOSIGNAL));
}

/* Now, or at the end of the pass where more may come from other rooms: still one send. */
static void give(struct client *c, const char *data, size_t size)
{
    ssize_t took = 0;
    if (c->fd < 0 || !size)
        return;
    if (c->seat_count <= 1 && !c->owed.size) {
        took = send(c->fd, data, size, MSG_NOSIGNAL);
        if ((size_t)took == size)
            return;
        if (took < 0 && errno != EAGAIN) {
            drop(c);
            return;
        }
        took = took < 0 ? 0 : took;
    }
    append(&c->owed, data + took, size - (size_t)took);
    if (c->paid_later)
        return;
    payees = grown(payees, &payee_capacity, payee_size + 1, sizeof *payees);
    payees[payee_size++] = c;
    c->paid_later = true;
}

/* As `give`, data that stays where it is until the end of the pass. */
static void give_block(struct client *c, const char *data, size_t size)
{
#ifdef URING
    if (c->fd >= 0 && size && c->seat_count <= 1 && !c->owed.size) {
        begin(c, data, size);
        return;
    }
#endif
    give(c, data, size);
}

static struct room *find(const char *name, size_t size)
{
    unsigned hash = 5381;
    struct room *room;
    for (size_t i = 0; i < size; i++)
        hash = hash * 33 + (unsigned char)name[i];
    for (room = shelves[hash % SHELVES]; room; room = room->next)
        if (!memcmp(room->name, name, size) && !room->name[size])
            return room;
    if (!(room = calloc(1, sizeof *room)))
        abort();
    memcpy(room->name, name, size);
    room->next = shelves[hash % SHELVES];
    return shelves[hash % SHELVES] = room;
}

static struct member *seat_in(const struct client *c, const struct room *room)
{
    for (size_t i = 0; i < c->seat_count; i++)
        if (c->seats[i]->room == room)
            return c->seats[i];
    return NULL;
}

static void broadcast(struct room *room, const struct client *by, const char *nick, const char *rest, size_t size)
{
    struct line *line;
    if (!room->line_count) {
        busy = grown(busy, &busy_capacity, busy_size + 1, sizeof *busy);
        busy[busy_size++] = room;
    }
    room->lines = grown(room->lines, &room->line_capacity, room->line_count + 1, sizeof *room->lines);
    line = &room->lines[room->line_count++];
    line->by = by;
    line->at = room->block.size;
    append(&room->block, ":", 1);
    append(&room->block, nick, strlen(nick));
    append(&room->block, "!b@bare ", 8);
    append(&room->block, rest, size);
    append(&room->block, "\r\n", 2);
    line->size = room->block.size - line->at;
}

static void enter(struct client *c, struct room *room)
{
    char line[NAME_BYTES + 8];
    struct member *m;
    if (seat_in(c, room))
        return;
    if (!(m = calloc(1, sizeof *m)))
        abort();
    room->members = grown(room->members, &room->capacity, room->size + 1, sizeof *room->members);
    c->seats = grown(c->seats, &c->seat_capacity, c->seat_count + 1, sizeof *c->seats);
    room->members[room->size] = c->seats[c->seat_count++] = m;
    *m = (struct member){c, room, room->size++, room->block.size, true, true};
    broadcast(room, NULL, c->nick, line, (size_t)sprintf(line, "JOIN %s", room->name));
}

static void on_line(struct client *c, const char *line, size_t size)
{
    char reply[LINE_BYTES + 64];
    const char *end = line + size, *name, *comma;
    if (size > 8 && !memcmp(line, "PRIVMSG ", 8)) {
        name = line + 8;
        const char *space = memchr(name, ' ', (size_t)(end - name));
        if (deaf || !space || space - name >= NAME_BYTES)
            return;
        struct member *m = seat_in(c, find(name, (size_t)(space - name)));
        if (!m)
            return;
        m->special = true;
        broadcast(m->room, c, c->nick, line, size);
    } else if (size > 5 && !memcmp(line, "PING ", 5)) {
        give(c, reply, (size_t)sprintf(reply, "PONG %.*s\r\n", (int)size - 5, line + 5));
    } else if (size > 5 && !memcmp(line, "NICK ", 5)) {
        snprintf(c->nick, sizeof c->nick, "%.*s", (int)size - 5, line + 5);
    } else if (size > 5 && !memcmp(line, "USER ", 5)) {
        give(c, reply, (size_t)sprintf(reply, ":bare 001 %s :Welcome\r\n", c->nick));
    } else if (size > 5 && !memcmp(line, "JOIN ", 5)) {
        for (name = line + 5; name < end; name = comma + 1) {
            comma = memchr(name, ',', (size_t)(end - name));
            comma = comma ? comma : end;
            if (comma - name < NAME_BYTES)
                enter(c, find(name, (size_t)(comma - name)));
        }
    }
}

static void tell_part(struct member *m)
{
    char end[128];
    const struct room *room = m->room;
    part.size = 0;
    for (size_t k = 0; k < room->line_count; k++)
        if (room->lines[k].at >= m->from && room->lines[k].by != m->client)
            append(&part, room->block.data + room->lines[k].at, room->lines[k].size);
    if (m->joining)
        append(&part, end, (size_t)sprintf(end, ":bare 366 %s %s :End of /NAMES list.\r\n", m->client->nick, room->name));
    m->special = m->joining = false;
    m->from = 0;
    give(m->client, part.data, part.size);
}

static void flush(void)
{
    while (busy_size) {
        struct room *room = busy[--busy_size];
        for (size_t i = room->size; i-- > 0;) { /* downwards: a drop puts an already served member in the empty place */
            if (room->members[i]->special)
                tell_part(room->members[i]);
            else
                give_block(room->members[i]->client, room->block.data, room->block.size);
        }
        room->block.size = room->line_count = 0;
    }
    while (payee_size) {
        struct client *c = payees[--payee_size];
        c->paid_later = false;
        if (c->blocked && c->owed.size > OWED_LIMIT)
            drop(c);
        else if (!c->blocked)
#ifdef URING
            begin(c, c->owed.data, c->owed.size);
    }
    finish();
#else
            pay(c);
    }
#endif
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

#ifdef URING
#include "rings.h"
#endif

int main(int argc, char **argv)
{
    int yes = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event ready[EVENTS], arrivals = {.events = EPOLLIN, .data.ptr = NULL};

    deaf = argc == 3 && !strcmp(argv[2], "--deaf");
    at.sin_port = htons((unsigned short)(argc == 2 || deaf ? atoi(argv[1]) : 0));
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    loop = epoll_create1(EPOLL_CLOEXEC);
#ifdef URING
    open_rings();
#endif
    if ((argc != 2 && !deaf) || bind(listener, (struct sockaddr *)&at, sizeof at) < 0 || listen(listener, SOMAXCONN) < 0 ||
        epoll_ctl(loop, EPOLL_CTL_ADD, listener, &arrivals) < 0) {
        fprintf(stderr, "bare_epoll PORT [--deaf]: cannot listen on 127.0.0.1: %s\n", strerror(errno));
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
            struct client *c = gone[--gone_size];
            free(c->owed.data);
            free(c->seats);
            free(c);
        }
    }
}
