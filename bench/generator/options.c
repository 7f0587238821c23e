/* What the command line asks for, and the way out when it, or anything else, is wrong. */
#include "generator.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    TEXT_MIN = 20,   /* bytes of a text; room for the mark and the message's number */
    TEXT_MAX = 400,  /* leaves 112 bytes of the 512 for prefix, command and room */
    WINDOW_MAX = 256 /* messages; 256 * 512 bytes always fit in the sender's socket buffers */
};

enum mode mode = SATURATED;
const char *mode_name = "saturated";
struct options option = {.members = 1000, .room_size = 20, .text = 100, .window = 64, .pending = 1e6, .seconds = 3,
                         .warmup = 0.5, .rate = 20, .limit = 0.05, .deadline = 10, .join_deadline = 120};

static const struct { const char *name; enum mode mode; bool sender; } modes[] = {
    {"saturated", SATURATED, true}, {"steady", STEADY, true}, {"busy", BUSY, false},
    {"send", SEND, false},          {"idle", IDLE, false}};

static const struct { const char *name; double *to, low, high; } numbers[] = {
    {"--port", &option.port, 1, 65535},
    {"--members", &option.members, 1, 1000000},
    {"--room-size", &option.room_size, 2, 100000},
    {"--rooms-each", &option.rooms_each, 0, 1000}, /* 0: one room, and a sender beside the members */
    {"--text", &option.text, TEXT_MIN, TEXT_MAX},  /* bytes */
    {"--window", &option.window, 1, WINDOW_MAX},   /* messages in flight when saturated */
    {"--pending", &option.pending, 1, 1000000},    /* members on their way in at a time */
    {"--seconds", &option.seconds, 0, 3600},       /* that are counted */
    {"--warmup", &option.warmup, 0, 600},          /* s before them */
    {"--rate", &option.rate, 0.01, 1000000},       /* messages/s; in a search the first step */
    {"--limit", &option.limit, 0.001, 60},         /* s that p99 must stay below in a search */
    {"--deadline", &option.deadline, 0.1, 600},    /* s until all must have a message */
    {"--join-deadline", &option.join_deadline, 0.1, 3600}, /* s until all must be in their rooms */
    {"--readers", &option.readers, 0, READERS_MOST},       /* threads that read; 0: the one that sends does */
    {"--tls", &option.tls, 0, 1},                          /* 1: members speak TLS */
    {"--server", &option.server, 0, 1e9}};         /* the server's process, to read its CPU time; 0: unknown */

void quit(int status, const char *format, ...)
{
    static atomic_flag quitting = ATOMIC_FLAG_INIT;
    va_list rest;
    while (atomic_flag_test_and_set(&quitting)) /* another thread has said why, and ends the process */
        pause();
    va_start(rest, format);
    fputs("generator: ", stderr);
    vfprintf(stderr, format, rest);
    fputc('\n', stderr);
    va_end(rest);
    _exit(status); /* half a JSON object in stdout's buffer is dropped */
}

static void set_number(const char *name, const char *value)
{
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

static void set_mode(const char *value)
{
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (!strcmp(value, modes[i].name)) {
            mode = modes[i].mode;
            mode_name = modes[i].name;
            return;
        }
    quit(2, "--mode is '%s', it must be saturated, steady, busy, send or idle", value);
}

void read_options(int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--mode"))
            set_mode(argv[i + 1]);
        else
            set_number(argv[i], argv[i + 1]);
    }
    if (argc % 2 == 0 || !option.port)
        quit(2, "usage: generator --port PORT [--mode saturated|steady|busy|send|idle] [--OPTION VALUE ...]");
    if (modes[mode].sender && option.rooms_each)
        quit(2, "--rooms-each is %g, in mode %s there is one room", option.rooms_each, mode_name);
    if ((mode == BUSY || mode == SEND) && !option.rooms_each)
        quit(2, "mode %s needs --rooms-each", mode_name);
}
