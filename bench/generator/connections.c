/* The members' sockets: dialling, and sending. */
#include "generator.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct connection *connections;
uint32_t total, dialled;

/* A loopback address has about 28,000 ports to dial from; use the next 127.0.0.x before half of them are gone (the
 * other half may still be closing from an earlier run). */
static void choose_source(int fd, uint32_t number)
{
    static uint32_t each = 0;
    if (!each) {
        unsigned low = 32768, high = 60999;
        FILE *range = fopen("/proc/sys/net/ipv4/ip_local_port_range", "r");
        if (range) {
            if (fscanf(range, "%u %u", &low, &high) != 2 || high <= low)
                low = 32768, high = 60999;
            fclose(range);
        }
        each = (high - low) / 2 + 1;
    }
    if (number < each)
        return;
    int yes = 1;
    struct sockaddr_in source = {.sin_family = AF_INET};
    source.sin_addr.s_addr = htonl(INADDR_LOOPBACK + number / each);
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
    if (bind(fd, (struct sockaddr *)&source, sizeof source) < 0)
        quit(1, "cannot dial from %s: %s", inet_ntoa(source.sin_addr), strerror(errno));
}

void dial(void)
{
    struct connection *c = &connections[dialled];
    struct sockaddr_in target = {.sin_family = AF_INET,
                                 .sin_port = htons((uint16_t)option.port),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int yes = 1;
    struct linger reset = {.l_onoff = 1, .l_linger = 0}; /* closing leaves no port waiting for the next run */

    c->number = dialled;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        quit(1, "socket for member %u: %s", c->number, strerror(errno));
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    choose_source(c->fd, dialled);
    if (connect(c->fd, (struct sockaddr *)&target, sizeof target) < 0 && errno != EINPROGRESS)
        quit(1, "cannot connect member %u to port %.0f: %s", c->number, option.port, strerror(errno));
    pthread_mutex_init(&c->sending, NULL);
    if (option.tls)
        tls_begin(c);
    c->loop = loop;
    watch(c->loop, EPOLL_CTL_ADD, c->fd, EPOLLIN | EPOLLOUT, c);
    dialled++;
}

void on_connected(struct connection *c)
{
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error)
        quit(1, "cannot connect member %u to port %.0f: %s", c->number, option.port, strerror(error));
    watch(c->loop, EPOLL_CTL_MOD, c->fd, EPOLLIN, c);
    if (c->tls && !tls_shake_hands(c)) /* goes on when the server has answered */
        return;
    c->open = true;
    putf(c, "NICK b%u\r\nUSER bench 0 * :bench\r\n", c->number);
}

/* How many bytes the server took. */
static size_t give(struct connection *c, const char *data, size_t size)
{
    ssize_t took = c->tls ? tls_send(c, data, size) : send(c->fd, data, size, MSG_NOSIGNAL);
    if (took < 0 && errno != EAGAIN)
        quit(1, "the server closed member %u's connection: %s", c->number, strerror(errno));
    return took < 0 ? 0 : (size_t)took;
}

static void owe(struct connection *c, const char *data, size_t size)
{
    if (!c->owed_size)
        watch(c->loop, EPOLL_CTL_MOD, c->fd, EPOLLIN | EPOLLOUT, c);
    c->owed = realloc(c->owed, c->owed_size + size);
    if (!c->owed)
        quit(1, "there is no memory for what the server does not read from member %u", c->number);
    memcpy(c->owed + c->owed_size, data, size);
    c->owed_size += size;
}

/* Never blocks, never reorders: what a server does not read waits here, and counts as the server's delay. */
void put(struct connection *c, const char *data, size_t size)
{
    pthread_mutex_lock(&c->sending);
    size_t took = c->owed_size ? 0 : give(c, data, size);
    if (took < size)
        owe(c, data + took, size - took);
    pthread_mutex_unlock(&c->sending);
}

void on_writable(struct connection *c)
{
    pthread_mutex_lock(&c->sending);
    size_t took = give(c, c->owed, c->owed_size);
    c->owed_size -= took;
    memmove(c->owed, c->owed + took, c->owed_size);
    if (!c->owed_size)
        watch(c->loop, EPOLL_CTL_MOD, c->fd, EPOLLIN, c);
    pthread_mutex_unlock(&c->sending);
}

/* As recv. `more`: there are bytes that no poller will report. */
ssize_t receive(struct connection *c, char *data, size_t size, bool *more)
{
    if (!c->tls)
        return recv(c->fd, data, size, 0);
    pthread_mutex_lock(&c->sending);
    ssize_t got = tls_recv(c, data, size);
    int error = errno;
    *more = got > 0 && tls_has_more(c);
    pthread_mutex_unlock(&c->sending);
    errno = error;
    return got;
}

void putf(struct connection *c, const char *format, ...)
{
    char data[LINE_MAX_BYTES];
    va_list rest;
    va_start(rest, format);
    int size = vsnprintf(data, sizeof data, format, rest);
    va_end(rest);
    put(c, data, (size_t)size);
}
