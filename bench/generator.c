/* Load an IRC server with one room of members and one sender, and measure what arrives.
 *
 * One process, one thread, one epoll loop. It knows just enough IRC to register, join and count; it starts no server
 * and compares nothing. Prints one JSON object on stdout and exits 0; a message that is lost, out of order or late past
 * its deadline, or a connection that the server closes, is one line on stderr and exit 1; a wrong option is exit 2.
 *
 * Modes, once `members` receivers and one sender on top of them are in #bench:
 *   saturated  the sender keeps `window` messages unfinished for `seconds`; a message is finished when all have it
 *   steady     `rate` messages a second on a fixed timetable; latencies count from the intended moment, not the actual
 *   idle       nobody speaks; the connections stay until stdin ends, so that the caller can look at the server's memory
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum {
    LINE_MAX_BYTES = 1024, /* longest line kept across reads; IRC allows 512 */
    READ_BYTES = 256 << 10, /* one recv; several hundred messages, so that a batch costs one system call */
    PROMPT = 64,            /* events to a pass; small, so that a due send never waits behind a thousand reads */
    EVENTS = 1024,          /* events to a pass when saturated */
    TEXT_MIN = 20,          /* room for the mark and the message's number */
    TEXT_MAX = 400,         /* leaves 112 bytes of the 512 for prefix, command and room */
    WINDOW_MAX = 256,       /* 256 * 512 bytes always fit in the sender's socket buffers, so a send never blocks */
    FILES_BESIDE = 16,      /* descriptors that are not members: epoll, timer, the standard three */
    MESSAGES = 1 << 22,     /* of a run; seven minutes at 10,000 a second */
    DELIVERIES = 1 << 24    /* samples, taken in steady mode only; the fastest server takes minutes to fill them */
};
#define SECOND UINT64_C(1000000000)
#define MARK "~bench "
#define PAUSE (SECOND / 1000)     /* before each pass when saturated; see run_saturated */
#define QUIET (3 * SECOND)        /* silence after which missing JOIN lines are held to be never coming */
#define HOLD_LIMIT (120 * SECOND) /* longest that idle mode waits for stdin to end */

struct connection {
    int fd, number;
    bool open; /* TCP is up and NICK/USER are sent */
    bool joined;
    uint32_t due;  /* number of the next message this member should see */
    uint32_t kept; /* bytes of an unfinished line in `keep` */
    char keep[LINE_MAX_BYTES];
};

/* Memory that is never touched costs nothing, so every array has the size of the longest run that makes sense. */
struct samples {
    uint64_t *ns;
    size_t count, most;
};

struct message {
    uint64_t from; /* latencies count from here: the intended moment (steady) or the send (saturated) */
    uint32_t left; /* members that do not have it yet */
};

static const char *mode = "saturated";
static struct { /* --name value, each with its default */
    double port, members, text, window, pending, seconds, warmup, rate, deadline, join_deadline;
} option = {0, 1000, 100, 64, 1e6, 3, 0.5, 20, 10, 120};

static struct connection *connections; /* [0] is the sender */
static uint32_t members, total;        /* total: the members and the sender */
static uint32_t text_bytes;
static int loop = -1, timer = -1, most_events = PROMPT;
static bool stdin_ended;
static uint64_t now;           /* read once after each wait and each recv */
static uint64_t last_arrival;  /* when bytes last came in */
static uint32_t dialled, joined;
static uint64_t join_lines;    /* JOIN lines seen by anyone */

static struct message messages[MESSAGES];
static uint32_t sent, finished;
static uint32_t oldest;        /* every message before this one is finished */
static uint32_t counted_from;  /* messages before this one are warm-up, not sampled */
static uint64_t deliveries;
static uint64_t complete_ns[MESSAGES], lateness_ns[MESSAGES], fanout_ns[DELIVERIES];
static struct samples complete = {complete_ns, 0, MESSAGES}, lateness = {lateness_ns, 0, MESSAGES};
static struct samples fanout = {fanout_ns, 0, 0}; /* one a delivery; steady mode makes room for them */

__attribute__((format(printf, 2, 3), noreturn)) static void quit(int status, const char *format, ...)
{
    va_list rest;
    va_start(rest, format);
    fputs("generator: ", stderr);
    vfprintf(stderr, format, rest);
    fputc('\n', stderr);
    va_end(rest);
    _exit(status); /* half a JSON object in stdout's buffer is dropped */
}

static uint64_t clock_ns(clockid_t which)
{
    struct timespec at;
    clock_gettime(which, &at);
    return (uint64_t)at.tv_sec * SECOND + (uint64_t)at.tv_nsec;
}

static uint64_t ns(double s)
{
    return (uint64_t)(s * (double)SECOND);
}

static double seconds(uint64_t count)
{
    return (double)count / (double)SECOND;
}

static void read_clock(void)
{
    now = clock_ns(CLOCK_MONOTONIC);
}

static void add_sample(struct samples *to, uint64_t ns)
{
    if (to->count < to->most)
        to->ns[to->count++] = ns;
}

/* ---- connections ---- */

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

static void dial(void)
{
    struct connection *c = &connections[dialled];
    struct sockaddr_in target = {.sin_family = AF_INET,
                                 .sin_port = htons((uint16_t)option.port),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int yes = 1;
    struct linger reset = {.l_onoff = 1, .l_linger = 0}; /* closing leaves no port waiting for the next run */
    struct epoll_event watch = {.events = EPOLLIN | EPOLLOUT, .data.ptr = c};

    c->number = (int)dialled;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        quit(1, "socket for member %d: %s", c->number, strerror(errno));
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    choose_source(c->fd, dialled);
    if (connect(c->fd, (struct sockaddr *)&target, sizeof target) < 0 && errno != EINPROGRESS)
        quit(1, "cannot connect member %d to port %.0f: %s", c->number, option.port, strerror(errno));
    if (epoll_ctl(loop, EPOLL_CTL_ADD, c->fd, &watch) < 0)
        quit(1, "epoll: %s", strerror(errno));
    dialled++;
}

static void put(struct connection *c, const char *data, size_t size)
{
    ssize_t took = send(c->fd, data, size, MSG_NOSIGNAL);
    if (took == (ssize_t)size)
        return;
    if (took >= 0 || errno == EAGAIN)
        quit(1, "the server does not read from member %d", c->number);
    quit(1, "the server closed member %d's connection: %s", c->number, strerror(errno));
}

__attribute__((format(printf, 2, 3))) static void putf(struct connection *c, const char *format, ...)
{
    char data[LINE_MAX_BYTES];
    va_list rest;
    va_start(rest, format);
    int size = vsnprintf(data, sizeof data, format, rest);
    va_end(rest);
    put(c, data, (size_t)size);
}

static void on_connected(struct connection *c)
{
    int error = 0;
    socklen_t size = sizeof error;
    struct epoll_event watch = {.events = EPOLLIN, .data.ptr = c};
    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error)
        quit(1, "cannot connect member %d to port %.0f: %s", c->number, option.port, strerror(error));
    epoll_ctl(loop, EPOLL_CTL_MOD, c->fd, &watch);
    c->open = true;
    putf(c, "NICK b%d\r\nUSER bench 0 * :bench\r\n", c->number);
}

/* ---- what arrives ---- */

static void on_delivery(struct connection *c, const char *text)
{
    uint32_t number = (uint32_t)strtoul(text + strlen(MARK), NULL, 10); /* a space follows the digits */
    if (c == connections) /* a server that echoes: the sender is not counted */
        return;
    if (number != c->due || number >= sent)
        quit(1, "member %d got message %u when %u was due: lost, twice or out of order", c->number, number, c->due);
    c->due++;
    deliveries++;
    struct message *m = &messages[number];
    if (number >= counted_from)
        add_sample(&fanout, now - m->from);
    if (--m->left == 0) {
        finished++;
        if (number >= counted_from)
            add_sample(&complete, now - m->from);
    }
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
    /* The text is the end of its line and of a known length: one comparison tells a delivery from anything else. */
    if (size > text_bytes && memcmp(end - text_bytes, MARK, strlen(MARK)) == 0) {
        on_delivery(c, end - text_bytes);
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
    } else if (is(command, end, "001")) {
        put(c, "JOIN #bench\r\n", 13);
    } else if (is(command, end, "366")) {
        joined += !c->joined;
        c->joined = true;
    } else if (is(command, end, "ERROR") ||
               (end - command > 3 && (command[0] == '4' || command[0] == '5') && command[3] == ' ' &&
                memcmp(command, "422", 3) != 0)) { /* 422: no message of the day */
        quit(1, "the server refused member %d: %.*s", c->number, (int)size, line);
    }
}

/* A line may begin in one recv and end in another: its first part waits in `keep` and is put in front of the rest. */
static void on_readable(struct connection *c)
{
    static char space[LINE_MAX_BYTES + READ_BYTES];
    char *start = space + LINE_MAX_BYTES - c->kept, *end;
    ssize_t got = recv(c->fd, space + LINE_MAX_BYTES, READ_BYTES, 0);
    read_clock();
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0)
        quit(1, "the server closed member %d's connection (%s): %u of %u had joined, %u of %u messages were complete",
             c->number, got < 0 ? strerror(errno) : "end of stream", joined, total, finished, sent);
    last_arrival = now;
    memcpy(start, c->keep, c->kept);
    end = space + LINE_MAX_BYTES + got;
    for (char *feed; (feed = memchr(start, '\n', (size_t)(end - start))); start = feed + 1)
        on_line(c, start, (size_t)(feed - start) - (feed > start && feed[-1] == '\r'));
    if (end - start > LINE_MAX_BYTES)
        quit(1, "member %d got a line of over %td bytes, the limit is %d", c->number, end - start, LINE_MAX_BYTES);
    c->kept = (uint32_t)(end - start);
    memcpy(c->keep, start, c->kept);
}

/* Wait once, at most `wait_ms`, and handle what is ready. Ends the run when a message is over its deadline. */
static void pump(int wait_ms)
{
    struct epoll_event ready[EVENTS];
    int count = epoll_wait(loop, ready, most_events, wait_ms);
    if (count < 0 && errno != EINTR)
        quit(1, "epoll: %s", strerror(errno));
    read_clock();
    for (int i = 0; i < count; i++) {
        struct connection *c = ready[i].data.ptr;
        char unused[64];
        if (ready[i].data.ptr == &timer)
            (void)!read(timer, unused, sizeof unused);
        else if (ready[i].data.ptr == &stdin_ended)
            stdin_ended = read(STDIN_FILENO, unused, sizeof unused) <= 0;
        else if (c->open)
            on_readable(c);
        else
            on_connected(c);
    }
    while (oldest < sent && !messages[oldest].left)
        oldest++;
    if (oldest < sent && now > messages[oldest].from + ns(option.deadline))
        quit(1, "message %u is incomplete after %g s: %u of %u members have it", oldest, option.deadline,
             members - messages[oldest].left, members);
}

/* ---- the phases of a run ---- */

struct span {
    uint64_t wall, cpu;
};

static struct span measure_from(void)
{
    read_clock();
    return (struct span){now, clock_ns(CLOCK_PROCESS_CPUTIME_ID)};
}

static struct span measured_since(struct span start)
{
    struct span end = measure_from();
    return (struct span){end.wall - start.wall, end.cpu - start.cpu};
}

static double percent(struct span s)
{
    return s.wall ? 100.0 * (double)s.cpu / (double)s.wall : 0;
}

/* Bring everybody in, at most `pending` on their way at a time, then wait for the JOIN lines to end. The k-th to join
 * is announced to k connections, itself included, so a server that loses none shows joined * (joined + 1) / 2 of them.
 * Without all members there is nothing to measure, except in idle mode: there it is told how many had come. */
static void arrive(void)
{
    struct span start = measure_from();
    uint64_t until = start.wall + ns(option.join_deadline), joined_at, expected;
    while (joined < total && now < until) {
        if (dialled < total && dialled - joined < (uint32_t)option.pending)
            dial();
        else
            pump(100);
        if (dialled % PROMPT == 0)
            pump(0);
    }
    if (joined < total && strcmp(mode, "idle"))
        quit(1, "%u of %u had joined after %g s", joined, total, option.join_deadline);
    joined_at = now;
    expected = (uint64_t)joined * (joined + 1) / 2;
    while (joined == total && join_lines < expected && now < last_arrival + QUIET)
        pump(100);
    struct span all = measured_since(start);
    printf("{\"mode\": \"%s\", \"members\": %u, \"arrival\": {\"connections\": %u, \"joined\": %u"
           ", \"joined_s\": %.4f, \"settled_s\": ", mode, members, dialled, joined, seconds(joined_at - start.wall));
    if (joined < total || join_lines < expected)
        printf("null");
    else
        printf("%.4f", seconds(last_arrival - start.wall));
    printf(", \"join_lines\": %ju, \"join_lines_expected\": %ju, \"generator_cpu_percent\": %.1f}",
           join_lines, expected, percent(all));
}

/* Send the next message, as a write of its own: batching is the server's to do, not the sender's. */
static void say(uint64_t from)
{
    char data[512];
    if (sent == MESSAGES)
        quit(1, "the run has %d messages, which is the most", MESSAGES);
    messages[sent] = (struct message){from, members};
    char *text = data + sprintf(data, "PRIVMSG #bench :"), *end = text + text_bytes;
    char *rest = text + sprintf(text, MARK "%010u ", sent++);
    memset(rest, 'x', (size_t)(end - rest));
    memcpy(end, "\r\n", 2);
    put(connections, data, (size_t)(end + 2 - data));
}

static void drain(void)
{
    while (finished < sent) /* ends: pump holds every message to its deadline */
        pump(100);
}

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void print_samples(const char *name, struct samples *s)
{
    static const struct { const char *name; double q; } ranks[] = {
        {"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}, {"max", 1}};
    qsort(s->ns, s->count, sizeof *s->ns, ascending);
    printf(", \"%s\": {\"count\": %zu", name, s->count);
    for (size_t i = 0; s->count && i < sizeof ranks / sizeof *ranks; i++) {
        /* nearest rank: the smallest sample that at least q of all samples do not exceed */
        double exact = ranks[i].q * (double)s->count;
        size_t rank = (size_t)exact;
        rank += (double)rank < exact;
        printf(", \"%s\": %.1f", ranks[i].name, (double)s->ns[(rank ? rank : 1) - 1] / 1000);
    }
    printf("}");
}

static void print_measured(uint64_t delivered, struct span s)
{
    printf(", \"seconds\": %.4f, \"deliveries_per_s\": %.0f, \"generator_cpu_percent\": %.1f",
           seconds(s.wall), (double)delivered / seconds(s.wall), percent(s));
    printf(", \"messages\": {\"sent\": %u, \"expected_deliveries\": %ju, \"delivered\": %ju}",
           sent, (uint64_t)sent * members, deliveries);
    print_samples("complete_us", &complete);
}

/* Who takes up each message at once makes a sender on the same machine pay for every wake-up, and lets it get no further
 * ahead than one message: the tutorials' server then does 0.15 to 0.4 million deliveries a second, as it happens to fall,
 * and a steady 0.46 with a pause before each pass; the batching servers do the same with and without. Members on other
 * machines cost a server no wake-ups, so the pause is the fairer measure. 1 ms is little against the latencies here. */
static void run_saturated(void)
{
    const struct timespec pause = {0, PAUSE};
    struct span start = measure_from(), measured;
    uint64_t count_at = start.wall + ns(option.warmup), stop_at = UINT64_MAX, before = 0;
    counted_from = UINT32_MAX;
    most_events = EVENTS;
    while (now < stop_at) {
        if (counted_from == UINT32_MAX && now >= count_at) {
            counted_from = sent;
            before = deliveries;
            start = measure_from();
            stop_at = start.wall + ns(option.seconds);
        }
        while (sent - finished < (uint32_t)option.window)
            say(clock_ns(CLOCK_MONOTONIC));
        nanosleep(&pause, NULL);
        pump(100);
    }
    measured = measured_since(start);
    before = deliveries - before;
    drain();
    print_measured(before, measured);
}

static void run_steady(void)
{
    uint64_t interval = ns(1 / option.rate), before = 0;
    uint32_t warmup = (uint32_t)(option.warmup * option.rate), count = (uint32_t)(option.seconds * option.rate);
    struct span start = measure_from();
    uint64_t first = now + interval;
    struct itimerspec times = {{(time_t)(interval / SECOND), (long)(interval % SECOND)},
                               {(time_t)(first / SECOND), (long)(first % SECOND)}};
    struct epoll_event watch = {.events = EPOLLIN, .data.ptr = &timer};

    timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (timer < 0 || epoll_ctl(loop, EPOLL_CTL_ADD, timer, &watch) < 0 ||
        timerfd_settime(timer, TFD_TIMER_ABSTIME, &times, NULL) < 0)
        quit(1, "timer: %s", strerror(errno));
    fanout.most = DELIVERIES;
    counted_from = warmup;
    while (sent < warmup + count) {
        pump(100);
        read_clock();
        /* by the clock, not by the rings: a message that came due while the loop was busy is sent late, never skipped */
        for (uint64_t due; sent < warmup + count && (due = first + sent * interval) <= now;) {
            if (sent == warmup) {
                before = deliveries;
                start = measure_from();
            }
            if (sent >= warmup)
                add_sample(&lateness, now - due);
            say(due);
        }
    }
    drain();
    print_measured(deliveries - before, measured_since(start));
    print_samples("fanout_us", &fanout);
    print_samples("send_lateness_us", &lateness);
}

static void run_idle(void)
{
    struct epoll_event watch = {.events = EPOLLIN, .data.ptr = &stdin_ended};
    printf("}\n");
    fflush(stdout);
    if (epoll_ctl(loop, EPOLL_CTL_ADD, STDIN_FILENO, &watch) < 0) /* a file or /dev/null: nothing to wait for */
        return;
    for (uint64_t until = now + HOLD_LIMIT; !stdin_ended && now < until;)
        pump(100);
}

/* ---- options ---- */

static void set_number(const char *name, const char *value)
{
    static const struct { const char *name; double *to, low, high; } numbers[] = {
        {"--port", &option.port, 1, 65535},          {"--members", &option.members, 1, 1000000},
        {"--text", &option.text, TEXT_MIN, TEXT_MAX}, {"--window", &option.window, 1, WINDOW_MAX},
        {"--pending", &option.pending, 1, 1000000},   {"--seconds", &option.seconds, 0.01, 3600},
        {"--warmup", &option.warmup, 0, 600},        {"--rate", &option.rate, 0.01, 100000},
        {"--deadline", &option.deadline, 0.1, 600},  {"--join-deadline", &option.join_deadline, 0.1, 3600}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (strcmp(name, numbers[i].name))
            continue;
        char *end;
        *numbers[i].to = strtod(value, &end);
        if (end == value || *end || !(*numbers[i].to >= numbers[i].low && *numbers[i].to <= numbers[i].high))
            quit(2, "%s is '%s', it must be a number from %g to %g", name, value, numbers[i].low, numbers[i].high);
        return;
    }
    quit(2, "there is no option %s", name);
}

static void read_options(int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--mode"))
            mode = argv[i + 1];
        else
            set_number(argv[i], argv[i + 1]);
    }
    if (argc % 2 == 0 || !option.port)
        quit(2, "usage: generator --port PORT [--mode saturated|steady|idle] [--OPTION VALUE ...]");
    if (strcmp(mode, "saturated") && strcmp(mode, "steady") && strcmp(mode, "idle"))
        quit(2, "--mode is '%s', it must be saturated, steady or idle", mode);
    text_bytes = (uint32_t)option.text;
    members = (uint32_t)option.members;
    total = members + 1;
}

int main(int argc, char **argv)
{
    struct rlimit files;
    read_options(argc, argv);
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_cur < total + FILES_BESIDE)
        quit(1, "%u members need %u open files, the limit is %ju", members, total + FILES_BESIDE, files.rlim_cur);
    connections = calloc(total, sizeof *connections);
    loop = epoll_create1(EPOLL_CLOEXEC);
    if (!connections || loop < 0)
        quit(1, "start: %s", strerror(errno));
    arrive();
    if (!strcmp(mode, "idle")) {
        run_idle();
        return 0;
    }
    if (!strcmp(mode, "steady"))
        run_steady();
    else
        run_saturated();
    printf("}\n");
    return 0;
}
