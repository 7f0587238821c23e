/* Nobody speaks: what members cost who are only there. */
#include "generator.h"

#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#define HOLD_LIMIT (120 * SECOND) /* longest that the members stay for stdin to end */

static void stay_until(uint64_t moment)
{
    while (!stdin_ended && now < moment)
        pump(100);
}

void run_idle(void)
{
    if (option.seconds) {
        stay_until(now + ns(option.warmup));
        struct span start = measure_from();
        stay_until(start.wall + ns(option.seconds));
        struct span silence = measured_since(start);
        printf(", \"seconds\": %.4f", seconds(silence.wall));
        print_cpu(silence);
    }
    printf("}\n");
    fflush(stdout);
    struct epoll_event watched = {.events = EPOLLIN, .data.ptr = &stdin_ended};
    if (epoll_ctl(loop, EPOLL_CTL_ADD, STDIN_FILENO, &watched) < 0) /* a file or /dev/null: nothing to wait for */
        return;
    stay_until(now + HOLD_LIMIT);
}
