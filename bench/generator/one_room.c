/* One room and one sender: saturated, and steady. */
#include "generator.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>

#define SENDER 0

static void print_measured(uint64_t delivered, struct span s)
{
    printf(", \"seconds\": %.4f, \"deliveries_per_s\": %.0f", seconds(s.wall), (double)delivered / seconds(s.wall));
    print_cpu(s);
    print_accounts();
    print_summary("complete_us", summarise(&complete));
}

/* Who takes up each message at once makes a sender on the same machine pay for every wake-up, and lets it get no further
 * ahead than one message: the tutorials' server then does 0.15 to 0.4 million deliveries a second, as it happens to fall,
 * and a steady 0.46 with a pause before each pass; the batching servers do the same with and without. Members on other
 * machines cost a server no wake-ups, so the pause is the fairer measure. 1 ms is little against the latencies here. */
void run_saturated(void)
{
    const struct timespec pause = {0, PAUSE};
    struct span start = measure_from(), measured;
    uint64_t count_at = start.wall + ns(option.warmup), stop_at = UINT64_MAX, before = 0;
    counted_from = UINT32_MAX;
    most_events = EVENTS;
    while (now < stop_at) {
        if (counted_from == UINT32_MAX && now >= count_at) {
            counted_from = sent;
            before = delivered();
            start = measure_from();
            stop_at = start.wall + ns(option.seconds);
        }
        while (sent - finished < (uint32_t)option.window) {
            read_clock();
            say(SENDER, now);
        }
        nanosleep(&pause, NULL);
        pump(100);
    }
    measured = measured_since(start);
    before = delivered() - before;
    drain();
    print_measured(before, measured);
}

void run_steady(void)
{
    uint64_t interval = ns(1 / option.rate), before = 0;
    uint32_t warmup = (uint32_t)(option.warmup * option.rate), count = (uint32_t)(option.seconds * option.rate);
    struct span start = measure_from();
    uint64_t first = now + interval;
    struct itimerspec times = {{(time_t)(interval / SECOND), (long)(interval % SECOND)},
                               {(time_t)(first / SECOND), (long)(first % SECOND)}};

    timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (timer < 0 || timerfd_settime(timer, TFD_TIMER_ABSTIME, &times, NULL) < 0)
        quit(1, "timer: %s", strerror(errno));
    watch(loop, EPOLL_CTL_ADD, timer, EPOLLIN, &timer);
    counted_from = warmup;
    while (sent < warmup + count) {
        pump(100);
        read_clock();
        /* by the clock, not by the rings: a message that came due while the loop was busy is sent late, never skipped */
        for (uint64_t due_at; sent < warmup + count && (due_at = first + sent * interval) <= now;) {
            if (sent == warmup) {
                before = delivered();
                start = measure_from();
            }
            if (sent >= warmup)
                add_sample(&lateness, now - due_at);
            say(SENDER, due_at);
        }
    }
    drain();
    print_measured(delivered() - before, measured_since(start));
    print_summary("fanout_us", summarise(all_fanout()));
    print_summary("send_lateness_us", summarise(&lateness));
}

