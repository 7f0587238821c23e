/* For bare_uring.c: begin sends in rings, and wait until all are made. Raw system calls, no library. */
#include <linux/io_uring.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>

enum { ENTRIES = 4096, RINGS_MOST = 8, RING_FROM = 32 /* sends that are worth a ring */, POLL_IDLE = 2 /* ms */ };

static struct ring {
    int fd;
    unsigned tail, head, begun; /* entries written, completions read, sends in flight */
    _Atomic unsigned *sq_tail, *sq_flags, *cq_head, *cq_tail;
    struct io_uring_sqe *entries;
    struct io_uring_cqe *completions;
    unsigned completion_mask;
} rings[RINGS_MOST];
static unsigned ring_count;
static bool polled;
static struct client **in_flight;
static size_t in_flight_size, in_flight_capacity;

static void open_ring(struct ring *r)
{
    struct io_uring_params p = {.flags = polled ? IORING_SETUP_SQPOLL : 0, .sq_thread_idle = POLL_IDLE};
    char *shared;
    r->fd = (int)syscall(SYS_io_uring_setup, ENTRIES, &p);
    if (r->fd < 0) {
        fprintf(stderr, "bare_uring: io_uring_setup: %s\n", strerror(errno));
        exit(2);
    }
    size_t sq = p.sq_off.array + p.sq_entries * sizeof(unsigned), cq = p.cq_off.cqes + p.cq_entries * sizeof *r->completions;
    shared = mmap(NULL, sq > cq ? sq : cq, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, r->fd, IORING_OFF_SQ_RING);
    r->entries = mmap(NULL, p.sq_entries * sizeof *r->entries, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, r->fd,
                      IORING_OFF_SQES);
    if (shared == MAP_FAILED || r->entries == MAP_FAILED)
        abort();
    for (unsigned i = 0; i < p.sq_entries; i++)
        ((unsigned *)(shared + p.sq_off.array))[i] = i;
    r->sq_tail = (void *)(shared + p.sq_off.tail);
    r->sq_flags = (void *)(shared + p.sq_off.flags);
    r->cq_head = (void *)(shared + p.cq_off.head);
    r->cq_tail = (void *)(shared + p.cq_off.tail);
    r->completions = (void *)(shared + p.cq_off.cqes);
    r->completion_mask = p.cq_entries - 1;
}

static void open_rings(void)
{
    const char *wanted = getenv("RINGS");
    long cores = sysconf(_SC_NPROCESSORS_ONLN), number = wanted ? atol(wanted) : cores >= 8 ? cores / 4 : 0;
    polled = number > 0;
    ring_count = !polled ? 1 : number > RINGS_MOST ? RINGS_MOST : (unsigned)number;
    for (unsigned i = 0; i < ring_count; i++)
        open_ring(&rings[i]);
}

static void begin(struct client *c, const char *data, size_t size)
{
    c->begun = data;
    c->begun_size = size;
    in_flight = grown(in_flight, &in_flight_capacity, in_flight_size + 1, sizeof *in_flight);
    in_flight[in_flight_size++] = c;
}

/* `took`, or errno, is how the send of what was begun went. */
static void on_sent(struct client *c, ssize_t took)
{
    if (c->begun == c->owed.data) {
        paid(c, took);
    } else if (c->fd >= 0 && took < 0 && errno != EAGAIN) {
        drop(c);
    } else if (c->fd >= 0 && (took < 0 || (size_t)took < c->begun_size)) {
        took = took < 0 ? 0 : took;
        append(&c->owed, c->begun + took, c->begun_size - (size_t)took);
        paid(c, 0);
    }
}

static void submit(struct ring *r, struct client **clients, unsigned number)
{
    for (unsigned i = 0; i < number; i++)
        r->entries[(r->tail + i) % ENTRIES] = (struct io_uring_sqe){
            .opcode = IORING_OP_SEND, .fd = clients[i]->fd, .addr = (unsigned long)clients[i]->begun,
            .len = (unsigned)clients[i]->begun_size, .msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL,
            .user_data = (unsigned long)clients[i]};
    r->begun = number;
    r->tail += number;
    atomic_store(r->sq_tail, r->tail); /* sequentially: before the flags are read */
    if (!polled)
        syscall(SYS_io_uring_enter, r->fd, number, number, IORING_ENTER_GETEVENTS, NULL, 0);
    else if (atomic_load(r->sq_flags) & IORING_SQ_NEED_WAKEUP)
        syscall(SYS_io_uring_enter, r->fd, 0, 0, IORING_ENTER_SQ_WAKEUP, NULL, 0);
}

static void collect(struct ring *r)
{
    while (atomic_load(r->cq_tail) - r->head < r->begun)
        syscall(SYS_io_uring_enter, r->fd, 0, r->begun, IORING_ENTER_GETEVENTS, NULL, 0);
    for (; r->begun; r->begun--) {
        struct io_uring_cqe *done = &r->completions[r->head++ & r->completion_mask];
        errno = done->res < 0 ? -done->res : 0;
        on_sent((struct client *)(unsigned long)done->user_data, done->res < 0 ? -1 : done->res);
    }
    atomic_store(r->cq_head, r->head);
}

/* At the end of a pass: make all sends that were begun. */
static void finish(void)
{
    for (size_t first = 0; first < in_flight_size;) {
        size_t left = in_flight_size - first, used = left / RING_FROM, share;
        used = used < 1 ? 1 : used > ring_count ? ring_count : used;
        share = (left + used - 1) / used;
        share = share > ENTRIES ? ENTRIES : share;
        for (size_t i = 0; i < used && first < in_flight_size; i++) {
            size_t number = in_flight_size - first < share ? in_flight_size - first : share;
            submit(&rings[i], in_flight + first, (unsigned)number);
            first += number;
        }
        for (size_t i = 0; i < used; i++)
            collect(&rings[i]);
    }
    in_flight_size = 0;
}
