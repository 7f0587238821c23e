/* Threads that read what members get, so that the generator is no slower than a server that sends in parallel. */
#include "generator.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

_Thread_local uint32_t reader;
static int loops[READERS_MOST];
static int finishing = -1; /* wakes the main thread, which waits until messages are finished */
static pthread_mutex_t accounts = PTHREAD_MUTEX_INITIALIZER;

uint32_t reader_count(void)
{
    return option.readers ? (uint32_t)option.readers : 1;
}

void hold_accounts(void)
{
    pthread_mutex_lock(&accounts);
}

void release_accounts(void)
{
    pthread_mutex_unlock(&accounts);
}

void tell_finished(void)
{
    if (finishing >= 0)
        (void)!write(finishing, &(uint64_t){1}, sizeof(uint64_t));
}

void take_finished(void)
{
    uint64_t count;
    (void)!read(finishing, &count, sizeof count);
}

/* When steady, members take up what came at once; else once a millisecond, for the reason that run_saturated has. */
static void *read_share(void *own)
{
    const struct timespec pause = {0, PAUSE};
    uint32_t read_since = 0; /* the last pause */
    reader = (uint32_t)((int *)own - loops);
    for (;;) {
        struct epoll_event ready[EVENTS];
        int most = mode == STEADY ? PROMPT : EVENTS, count = epoll_wait(loops[reader], ready, most, -1);
        if (count < 0 && errno != EINTR)
            quit(1, "epoll: %s", strerror(errno));
        read_clock();
        for (int i = 0; i < count; i++)
            on_ready(ready[i].data.ptr, ready[i].events);
        read_since += count > 0 ? (uint32_t)count : 0;
        if (mode != STEADY && (count < most || read_since >= total / reader_count())) {
            nanosleep(&pause, NULL);
            read_since = 0;
        }
    }
    return NULL;
}

/* Once all have arrived: hand each reader its members. */
void start_readers(void)
{
    finishing = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (finishing < 0)
        quit(1, "eventfd: %s", strerror(errno));
    watch(loop, EPOLL_CTL_ADD, finishing, EPOLLIN, &finished);
    for (uint32_t r = 0; r < reader_count(); r++)
        if ((loops[r] = epoll_create1(EPOLL_CLOEXEC)) < 0)
            quit(1, "epoll: %s", strerror(errno));
    for (struct connection *c = connections; c < connections + total; c++) {
        watch(loop, EPOLL_CTL_DEL, c->fd, 0, NULL);
        c->loop = loops[c->number % reader_count()];
        watch(c->loop, EPOLL_CTL_ADD, c->fd, c->owed_size ? EPOLLIN | EPOLLOUT : EPOLLIN, c);
    }
    for (uint32_t r = 0; r < reader_count(); r++) {
        pthread_t thread;
        int error = pthread_create(&thread, NULL, read_share, &loops[r]);
        if (error)
            quit(1, "thread for reader %u: %s", r, strerror(error));
    }
}
