/* Time, and the CPU time that generator and server take. */
#include "generator.h"

#include <stdio.h>
#include <time.h>

_Thread_local uint64_t now;

static uint64_t clock_ns(clockid_t which)
{
    struct timespec at;
    if (clock_gettime(which, &at) < 0)
        return 0;
    return (uint64_t)at.tv_sec * SECOND + (uint64_t)at.tv_nsec;
}

uint64_t ns(double s)
{
    return (uint64_t)(s * (double)SECOND);
}

double seconds(uint64_t count)
{
    return (double)count / (double)SECOND;
}

void read_clock(void)
{
    now = clock_ns(CLOCK_MONOTONIC);
}

/* Of one process, with all its threads, the kernel's for its rings included: none of the servers has more. 0 when it cannot be read. */
static uint64_t server_cpu(void)
{
    clockid_t its;
    if (!option.server || clock_getcpuclockid((pid_t)option.server, &its))
        return 0;
    return clock_ns(its);
}

struct span measure_from(void)
{
    read_clock();
    return (struct span){now, clock_ns(CLOCK_PROCESS_CPUTIME_ID), server_cpu()};
}

struct span measured_since(struct span start)
{
    struct span end = measure_from();
    return (struct span){end.wall - start.wall, end.cpu - start.cpu, end.server ? end.server - start.server : 0};
}

void print_cpu(struct span s)
{
    double wall = s.wall ? (double)s.wall : 1;
    printf(", \"generator_cpu_percent\": %.1f, \"server_cpu_percent\": ", 100 * (double)s.cpu / wall);
    if (option.server)
        printf("%.4f", 100 * (double)s.server / wall);
    else
        printf("null");
}
