/* What the parts of the generator share. Each .c file says at its top what it is for. */
#ifndef GENERATOR_H
#define GENERATOR_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    LINE_MAX_BYTES = 1024, /* longest line kept across reads; IRC allows 512 */
    PROMPT = 64,           /* events to a pass; small, so that a due send never waits behind a thousand reads */
    EVENTS = 1024          /* events to a pass when saturated */
};
#define SECOND UINT64_C(1000000000)
#define PAUSE (SECOND / 1000) /* before a pass, where members shall not take up each message at once; see one_room.c */

/* ---- options.c ---- */

enum mode { SATURATED, STEADY, BUSY, SEND, IDLE };

extern enum mode mode;
extern const char *mode_name;
extern struct options { /* --name value; options.c has what each is, its limits and its default */
    double port, members, room_size, rooms_each, text, window, pending, seconds, warmup, rate, limit, deadline,
        join_deadline, server, readers, tls;
} option;

void read_options(int argc, char **argv);
__attribute__((format(printf, 2, 3), noreturn)) void quit(int status, const char *format, ...);

/* ---- clock.c ---- */

extern _Thread_local uint64_t now; /* read once after each wait and each recv */

struct span { /* of time, and of the CPU time that generator and server used in it */
    uint64_t wall, cpu, server;
};

void read_clock(void);
uint64_t ns(double s);
double seconds(uint64_t count);
struct span measure_from(void);
struct span measured_since(struct span start);
void print_cpu(struct span s);

/* ---- samples.c ---- */

struct samples {
    uint64_t *ns;
    size_t count, most;
};

struct summary { /* in ns */
    size_t count;
    uint64_t p50, p90, p99, p999, max;
};

void make_room(struct samples *of, size_t most);
void add_sample(struct samples *to, uint64_t ns);
struct summary summarise(struct samples *of);
void print_summary(const char *name, struct summary s);

/* ---- connections.c ---- */

struct connection {
    int fd;
    int loop; /* the epoll that watches it */
    uint32_t number;
    bool open;            /* TCP and TLS are up and NICK/USER are sent */
    struct ssl_st *tls;   /* OpenSSL's SSL; NULL without TLS */
    uint32_t rooms_joined;
    uint32_t kept;        /* bytes of an unfinished line in `keep` */
    char keep[LINE_MAX_BYTES];
    char *owed;           /* what the server did not take yet */
    size_t owed_size;
    pthread_mutex_t sending; /* and reading, with TLS: a reader answers PINGs while the main thread sends */
};

extern struct connection *connections;
extern uint32_t total, dialled; /* total: the members and, in one room, the sender, which is connections[0] */

void dial(void);
void on_connected(struct connection *c);
void on_writable(struct connection *c);
ssize_t receive(struct connection *c, char *data, size_t size, bool *more);
void put(struct connection *c, const char *data, size_t size);
__attribute__((format(printf, 2, 3))) void putf(struct connection *c, const char *format, ...);

/* ---- tls.c ---- */

void tls_begin(struct connection *c); /* on a socket that is dialled */
bool tls_shake_hands(struct connection *c); /* a step; true when the handshake is done */
ssize_t tls_recv(struct connection *c, char *data, size_t size); /* as recv; one record at most */
bool tls_has_more(struct connection *c); /* bytes were received that no poller will report */
ssize_t tls_send(struct connection *c, const char *data, size_t size); /* as send; what it did not take comes again, and more */

/* ---- rooms.c ---- */

struct seat { /* a user in a room; seats[user * rooms_each + layer] */
    uint32_t room;
    uint32_t slot; /* which of the room's members */
    uint32_t said; /* messages of this user in this room */
};

struct room {
    uint32_t size, speakers;
    uint32_t *shares; /* how many of its members each reader reads */
    size_t first; /* where its part of `due` begins */
};

extern struct seat *seats;
extern struct room *rooms;
extern uint32_t rooms_each, room_count;

void seat_everybody(void);
uint32_t *due(const struct seat *receiver, const struct seat *speaker);
int room_name(char *to, uint32_t room);
void shuffle(uint32_t *numbers, uint32_t count);
uint64_t join_lines_of_all(void);
void ask_to_join(struct connection *c);

/* ---- messages.c ---- */

extern _Atomic uint32_t sent, finished;
extern _Atomic uint32_t counted_from; /* messages before this one are warm-up, not sampled */
extern _Atomic uint32_t over_limit;   /* counted messages that took --limit or longer */
extern struct samples complete, lateness; /* any reader adds to the first, within `hold_accounts` */

void say(uint32_t seat, uint64_t from);
void on_delivery(struct connection *c, const char *text);
uint64_t delivered(void);
struct samples *all_fanout(void);
void hold_to_deadline(void);
void drain(void);
void print_accounts(void);
#define MARK "~bench " /* every message's text begins with it */
#define MARK_SIZE (sizeof MARK - 1)

/* ---- loop.c ---- */

extern int loop, timer, most_events;
extern bool stdin_ended;
extern _Atomic uint64_t last_arrival; /* when bytes last came in */
extern _Atomic uint32_t joined, pongs;
extern _Atomic uint64_t join_lines; /* JOIN lines seen by anyone */

void watch(int in, int how, int fd, unsigned events, void *with);
void on_ready(struct connection *c, unsigned events);
int pump(int wait_ms);

/* ---- readers.c ---- */

enum { READERS_MOST = 64 };
extern _Thread_local uint32_t reader; /* which of them this thread is; 0 is the main thread too, which alone sends */

uint32_t reader_count(void); /* at least 1: without reading threads the main thread is the only reader */
void start_readers(void);
void tell_finished(void); /* that a message is: any reader, to the main thread */
void take_finished(void);
void hold_accounts(void);
void release_accounts(void);

/* ---- arrival.c, and a file for each mode or two ---- */

void arrive(void);
void run_saturated(void);
void run_steady(void);
void run_busy(void);
void run_send(void);
void run_idle(void);

#endif
