/* Bring everybody in. */
#include "generator.h"

#include <stdio.h>

#define QUIET (3 * SECOND) /* silence after which missing JOIN lines are held to be never coming */

/* At most `pending` on their way at a time; then wait for the JOIN lines to end. Without all members there is nothing to
 * measure, except where their coming is all that is measured: there it is told how many had come. */
void arrive(void)
{
    struct span start = measure_from(), all;
    uint64_t until = start.wall + ns(option.join_deadline), joined_at, expected = join_lines_of_all();
    while (joined < total && now < until) {
        if (dialled < total && dialled - joined < (uint32_t)option.pending)
            dial();
        else
            pump(100);
        if (dialled % PROMPT == 0)
            pump(0);
    }
    if (joined < total && (mode != IDLE || option.seconds))
        quit(1, "%u of %u had joined after %g s", joined, total, option.join_deadline);
    joined_at = now;
    while (joined == total && join_lines < expected && now < last_arrival + QUIET)
        pump(100);
    all = measured_since(start);
    printf(", \"arrival\": {\"connections\": %u, \"joined\": %u, \"joined_s\": %.4f, \"settled_s\": ", dialled,
           joined, seconds(joined_at - start.wall));
    if (joined < total || join_lines < expected)
        printf("null");
    else
        printf("%.4f", seconds(last_arrival - start.wall));
    printf(", \"join_lines\": %ju, \"join_lines_expected\": %ju", join_lines, expected);
    print_cpu(all);
    printf("}");
}
