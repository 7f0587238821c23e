/* Samples of a duration, and their percentiles. */
#include "generator.h"

#include <stdio.h>
#include <stdlib.h>

/* Memory that is never touched costs nothing, so every array has the size of the longest run that makes sense. */
void make_room(struct samples *of, size_t most)
{
    of->ns = malloc(most * sizeof *of->ns);
    of->most = most;
    if (!of->ns)
        quit(1, "there is no memory for %zu samples", most);
}

void add_sample(struct samples *to, uint64_t ns)
{
    if (to->count < to->most)
        to->ns[to->count++] = ns;
}

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Nearest rank: the smallest sample that at least q of all samples do not exceed. */
static uint64_t ranked(const struct samples *of, double q)
{
    double exact = q * (double)of->count;
    size_t rank = (size_t)exact;
    rank += (double)rank < exact;
    return of->ns[(rank ? rank : 1) - 1];
}

struct summary summarise(struct samples *of)
{
    if (!of->count)
        return (struct summary){0};
    qsort(of->ns, of->count, sizeof *of->ns, ascending);
    return (struct summary){of->count,        ranked(of, 0.5),   ranked(of, 0.9),
                            ranked(of, 0.99), ranked(of, 0.999), ranked(of, 1)};
}

void print_summary(const char *name, struct summary s)
{
    printf(", \"%s\": {\"count\": %zu", name, s.count);
    if (s.count)
        printf(", \"p50\": %.1f, \"p90\": %.1f, \"p99\": %.1f, \"p999\": %.1f, \"max\": %.1f", (double)s.p50 / 1000,
               (double)s.p90 / 1000, (double)s.p99 / 1000, (double)s.p999 / 1000, (double)s.max / 1000);
    printf("}");
}
