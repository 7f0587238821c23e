/* The messages of a run: who must have each, and who has it. */
#include "generator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MESSAGES = 1 << 22, /* in flight at most, and samples of messages; seven minutes at 10,000 a second */
    DELIVERIES = 1 << 24, /* samples, taken in steady mode only; the fastest server takes minutes to fill them */
    LINE_BYTES = 512    /* RFC 1459, section 2.3 */
};

struct message {
    uint64_t from; /* latencies count from here: the intended moment, or the send when saturated */
    _Atomic uint32_t left; /* readers of whose members some do not have it yet */
    uint32_t seat; /* its speaker's */
    uint32_t number; /* among those that its speaker said in that room */
};

/* What one reader has counted, apart from the others' memory: they all count at once. */
struct account {
    _Alignas(128) uint64_t deliveries;
    uint32_t *left; /* of message n, at n % MESSAGES: its members that do not have it yet */
    struct samples fanout;
};

_Atomic uint32_t sent, finished, counted_from, over_limit;
struct samples complete, lateness;
static struct account accounts[READERS_MOST];
static struct message messages[MESSAGES]; /* message n is at n % MESSAGES */
static _Atomic uint32_t oldest;           /* every message before this one is finished */
static uint64_t expected;                 /* deliveries of all that was sent */

/* Before the first message. */
static void open_accounts(void)
{
    make_room(&complete, MESSAGES);
    make_room(&lateness, MESSAGES);
    for (uint32_t r = 0; r < reader_count(); r++) {
        accounts[r].left = calloc(MESSAGES, sizeof *accounts[r].left);
        if (!accounts[r].left)
            quit(1, "there is no memory for %d messages", MESSAGES);
        if (mode == STEADY)
            make_room(&accounts[r].fanout, DELIVERIES / reader_count());
    }
}

/* Share out a message to the readers; returns how many of them have members that are to get it. */
static uint32_t share_out(uint32_t number, uint32_t seat)
{
    const struct room *room = &rooms[seats[seat].room];
    uint32_t readers = 0;
    for (uint32_t r = 0; r < reader_count(); r++) {
        uint32_t members = mode == SEND ? 0 : room->shares[r] - (seat / rooms_each % reader_count() == r);
        accounts[r].left[number % MESSAGES] = members;
        readers += members > 0;
    }
    return readers;
}

/* Send the next message, as a write of its own: batching is the server's to do, not the sender's. */
void say(uint32_t seat, uint64_t from)
{
    char line[LINE_BYTES + 2];
    struct seat *speaker = &seats[seat];
    uint32_t others = mode == SEND ? 0 : rooms[speaker->room].size - 1;
    if (!complete.ns)
        open_accounts();
    if (sent - oldest == MESSAGES)
        quit(1, "%d messages are unfinished, which is the most", MESSAGES);
    struct message *m = &messages[sent % MESSAGES];
    m->from = from;
    m->seat = seat;
    m->number = speaker->said++;
    m->left = share_out(sent, seat);
    expected += others;
    finished += !others;
    char *text = line + sprintf(line, "PRIVMSG "), *end, *rest;
    text += room_name(text, speaker->room);
    text += sprintf(text, " :");
    end = text + (uint32_t)option.text;
    rest = text + sprintf(text, MARK "%010u ", sent++);
    memset(rest, 'x', (size_t)(end - rest));
    memcpy(end, "\r\n", 2);
    put(&connections[seat / rooms_each], line, (size_t)(end + 2 - line));
}

void on_delivery(struct connection *c, const char *text)
{
    uint32_t number = 0;
    for (const char *digit = text + MARK_SIZE; *digit >= '0' && *digit <= '9'; digit++)
        number = number * 10 + (uint32_t)(*digit - '0');
    struct message *m = &messages[number % MESSAGES];
    const struct seat *speaker = &seats[m->seat];
    const struct seat *receiver = &seats[(size_t)c->number * rooms_each + m->seat % rooms_each];
    if (receiver == speaker && number < sent) /* a server that echoes: the speaker is not counted */
        return;
    uint32_t before = oldest, *left = accounts[reader].left ? &accounts[reader].left[number % MESSAGES] : NULL;
    if (number - before >= sent - before || !left || !*left) /* before the oldest, never sent, or nobody's to have any more */
        quit(1, "member %u got message %u, which all have or nobody said: twice, or made up", c->number, number);
    if (receiver->room != speaker->room)
        quit(1, "member %u got a message of a room that it is not in", c->number);
    uint32_t *expects = due(receiver, speaker);
    if (m->number != *expects)
        quit(1, "member %u got message %u of member %u when %u was due: lost, twice or out of order", c->number,
             m->number, m->seat / rooms_each, *expects);
    ++*expects;
    accounts[reader].deliveries++;
    uint64_t took = now - m->from;
    bool counts = number >= counted_from;
    if (counts)
        add_sample(&accounts[reader].fanout, took);
    if (--*left || --m->left)
        return;
    if (counts) {
        hold_accounts();
        add_sample(&complete, took);
        release_accounts();
        over_limit += took >= ns(option.limit);
    }
    finished++;
    tell_finished();
}

uint64_t delivered(void)
{
    uint64_t sum = 0;
    for (uint32_t r = 0; r < reader_count(); r++)
        sum += __atomic_load_n(&accounts[r].deliveries, __ATOMIC_RELAXED);
    return sum;
}

/* Once all is delivered. */
struct samples *all_fanout(void)
{
    static struct samples all;
    make_room(&all, DELIVERIES);
    for (uint32_t r = 0; r < reader_count(); r++)
        for (size_t i = 0; i < accounts[r].fanout.count; i++)
            add_sample(&all, accounts[r].fanout.ns[i]);
    return &all;
}

/* Ends the run when a message is over its deadline. */
void hold_to_deadline(void)
{
    while (oldest < sent && !messages[oldest % MESSAGES].left)
        oldest++;
    const struct message *m = &messages[oldest % MESSAGES];
    if (oldest == sent || now <= m->from + ns(option.deadline))
        return;
    uint32_t others = rooms[seats[m->seat].room].size - 1, left = 0;
    for (uint32_t r = 0; r < reader_count(); r++)
        left += accounts[r].left[oldest % MESSAGES];
    quit(1, "message %u is incomplete after %g s: %u of %u members have it", oldest, option.deadline, others - left,
         others);
}

void drain(void)
{
    while (finished < sent) /* ends: every message is held to its deadline */
        pump(100);
}

void print_accounts(void)
{
    printf(", \"messages\": {\"sent\": %u, \"expected_deliveries\": %ju, \"delivered\": %ju}", sent, expected,
           delivered());
}
