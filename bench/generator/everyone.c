/* Everybody speaks: the search for the highest rate that a server keeps up with, and the rate at which we can send. */
#include "generator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    BATCH = 64,       /* messages between two looks at the sockets, when sending as fast as it goes */
    BACKLOG = 4,      /* a step has failed with more than rate * limit * this many messages in flight: by then an
                         average message takes so many times the limit */
    BACKLOG_MIN = 100 /* messages; what one late wake-up leaves in flight at a low rate */
};
#define GROW 1.5       /* a step to the next, until one fails */
#define CLOSE 1.05     /* the search ends when a rate that fails is within this of one that is kept */
#define RATE_LEAST 1.0 /* messages/s; below it, and above the most, nothing is searched */
#define RATE_MOST 1e6
#define BEFORE (SECOND / 100) /* from deciding on a step to its first message */

struct step {
    double rate;
    const char *outcome; /* kept, slow, or generator_late: failed, but we were late ourselves */
    struct summary complete, lateness;
    struct span span;
};

static uint32_t *speakers; /* all users in a shuffled order; they speak in it, over and over, each room in turn */

static void choose_order(void)
{
    speakers = malloc(total * sizeof *speakers);
    if (!speakers)
        quit(1, "there is no memory for %u speakers", total);
    for (uint32_t user = 0; user < total; user++)
        speakers[user] = user;
    shuffle(speakers, total);
}

static uint32_t next_seat(void)
{
    return speakers[sent % total] * rooms_each + sent / total % rooms_each;
}

/* Messages are due at fixed moments. One is never skipped: what is late is sent at once, and counts from when it was
 * due. Members take up what came once a millisecond, for the reason that run_saturated has. */
static struct step take_step(double rate)
{
    const struct timespec pause = {0, PAUSE};
    struct step step = {.rate = rate, .outcome = "kept"};
    uint32_t begun = sent, counted = (uint32_t)(rate * option.seconds) + 1, allowed = counted / 100, last;
    double in_flight = BACKLOG * rate * option.limit;
    uint64_t first = measure_from().wall + BEFORE, due_at;
    uint32_t read_since = 0; /* the last pause */
    bool failed = false;

    counted_from = begun + (uint32_t)(rate * option.warmup);
    last = counted_from + counted;
    over_limit = 0;
    complete.count = lateness.count = 0;
    while (sent < last && !failed) {
        while (sent < last && (due_at = first + ns((sent - begun) / rate)) <= now) {
            if (sent == counted_from)
                step.span = measure_from();
            if (sent >= counted_from)
                add_sample(&lateness, now - due_at);
            say(next_seat(), due_at);
            read_clock();
        }
        int ready = pump(0);
        read_since += ready > 0 ? (uint32_t)ready : 0;
        if (ready < most_events || read_since >= total) {
            nanosleep(&pause, NULL);
            read_since = 0;
        }
        read_clock();
        failed = over_limit > allowed || sent - finished > (in_flight > BACKLOG_MIN ? in_flight : BACKLOG_MIN);
    }
    step.span = step.span.wall ? measured_since(step.span) : step.span;
    drain();
    step.complete = summarise(&complete);
    step.lateness = summarise(&lateness);
    if (failed || over_limit > allowed)
        step.outcome = step.lateness.p99 > ns(option.limit / 10) ? "generator_late" : "slow";
    return step;
}

static bool kept(const struct step *step)
{
    return !strcmp(step->outcome, "kept");
}

static void print_step(const struct step *step)
{
    static const char *before = "";
    printf("%s{\"rate\": %.1f, \"outcome\": \"%s\"", before, step->rate, step->outcome);
    print_cpu(step->span);
    print_summary("complete_us", step->complete);
    print_summary("send_lateness_us", step->lateness);
    printf("}");
    before = ", ";
}

/* What fails is tried once more: on a shared machine a step may fail for what others did. */
static struct step attempt(double rate)
{
    struct step step = take_step(rate);
    print_step(&step);
    if (!kept(&step)) {
        step = take_step(rate);
        print_step(&step);
    }
    return step;
}

void run_busy(void)
{
    struct step best = {0}, bound = {0};
    double rate = option.rate;
    choose_order();
    printf(", \"limit_ms\": %g, \"steps\": [", option.limit * 1000);
    while (rate >= RATE_LEAST && rate <= RATE_MOST) {
        struct step step = attempt(rate);
        *(kept(&step) ? &best : &bound) = step;
        if (best.rate && bound.rate && bound.rate <= best.rate * CLOSE)
            break;
        rate = !bound.rate ? rate * GROW : !best.rate ? rate / GROW : (best.rate + bound.rate) / 2;
    }
    printf("], \"bounded_by\": \"%s\"", bound.rate && !strcmp(bound.outcome, "slow") ? "server" : "generator");
    print_accounts();
    if (!best.rate) {
        printf(", \"messages_per_s\": null");
        return;
    }
    printf(", \"messages_per_s\": %.1f, \"seconds\": %.4f", best.rate, seconds(best.span.wall));
    print_cpu(best.span);
    print_summary("complete_us", best.complete);
    print_summary("send_lateness_us", best.lateness);
}

static void send_until(uint64_t moment)
{
    while (now < moment) {
        for (uint32_t i = 0; i < BATCH; i++) {
            uint32_t seat = next_seat();
            while (connections[seat / rooms_each].owed_size && now < moment) /* the server is behind */
                pump(1);
            say(seat, now);
        }
        pump(0);
    }
}

/* A PONG that answers a PING sent after everything shows that the server has read it all. */
void run_send(void)
{
    struct span start;
    uint32_t before;
    choose_order();
    send_until(now + ns(option.warmup));
    before = sent;
    start = measure_from();
    send_until(start.wall + ns(option.seconds));
    for (uint32_t i = 0; i < total; i++)
        putf(&connections[i], "PING end\r\n");
    while (pongs < total) {
        pump(100);
        if (now > start.wall + ns(option.seconds + option.deadline))
            quit(1, "%u of %u members had no answer to their PING %g s after the last message", total - pongs, total,
                 option.deadline);
    }
    struct span all = measured_since(start);
    printf(", \"seconds\": %.4f, \"messages_per_s\": %.0f", seconds(all.wall), (sent - before) / seconds(all.wall));
    print_cpu(all);
    print_accounts();
}
