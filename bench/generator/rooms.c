/* Who sits in which room.
 *
 * Each user sits in `rooms-each` rooms, one of each layer. A layer deals all users out to its rooms in a shuffled order
 * that is the same in every run, so that all rooms have `room-size` members, or one more where it does not divide, and
 * two users seldom share more rooms than chance has it. Without --rooms-each there is one room, and only user 0 speaks.
 */
#include "generator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { JOIN_ROOMS = 10 }; /* to a JOIN line; servers take at least 20, and ten names fit in 512 bytes */

struct seat *seats;
struct room *rooms;
uint32_t rooms_each, room_count;
static uint32_t layer_rooms; /* rooms in a layer */
static uint32_t *due_numbers;

/* Fisher and Yates, with Knuth's 64-bit linear congruence: the same order in every run. */
void shuffle(uint32_t *numbers, uint32_t count)
{
    static uint64_t state = 1;
    for (uint32_t i = count; i > 1; i--) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        uint32_t with = (uint32_t)((state >> 33) % i), kept = numbers[i - 1];
        numbers[i - 1] = numbers[with];
        numbers[with] = kept;
    }
}

void seat_everybody(void)
{
    bool one_room = !option.rooms_each;
    uint32_t *users = malloc(total * sizeof *users);
    size_t pairs = 0;
    rooms_each = one_room ? 1 : (uint32_t)option.rooms_each;
    layer_rooms = one_room || total < option.room_size ? 1 : total / (uint32_t)option.room_size;
    room_count = layer_rooms * rooms_each;
    seats = calloc((size_t)total * rooms_each, sizeof *seats);
    rooms = calloc(room_count, sizeof *rooms);
    if (!users || !seats || !rooms)
        quit(1, "there is no memory for %u users in %u rooms each", total, rooms_each);
    for (uint32_t user = 0; user < total; user++)
        users[user] = user;
    for (uint32_t layer = 0; layer < rooms_each; layer++) {
        if (!one_room)
            shuffle(users, total);
        for (uint32_t i = 0; i < total; i++) {
            struct seat *seat = &seats[(size_t)users[i] * rooms_each + layer];
            seat->room = layer * layer_rooms + i % layer_rooms;
            struct room *room = &rooms[seat->room];
            seat->slot = room->size++;
            if (!room->shares && !(room->shares = calloc(reader_count(), sizeof *room->shares)))
                quit(1, "there is no memory for %u rooms", room_count);
            room->shares[users[i] % reader_count()]++;
        }
    }
    for (struct room *room = rooms; room < rooms + room_count; room++) {
        room->speakers = one_room ? 1 : room->size;
        room->first = pairs;
        pairs += (size_t)room->size * room->speakers;
    }
    due_numbers = calloc(pairs, sizeof *due_numbers);
    if (!due_numbers)
        quit(1, "there is no memory for %zu pairs of speaker and receiver", pairs);
    free(users);
}

/* The number of the speaker's next message in their room that the receiver should see. */
uint32_t *due(const struct seat *receiver, const struct seat *speaker)
{
    const struct room *room = &rooms[receiver->room];
    return &due_numbers[room->first + (size_t)receiver->slot * room->speakers + speaker->slot];
}

int room_name(char *to, uint32_t room)
{
    return room_count == 1 ? sprintf(to, "#bench") : sprintf(to, "#bench%u", room);
}

/* The k-th to join a room is announced to k connections, itself included, by a server that loses none. */
uint64_t join_lines_of_all(void)
{
    uint64_t lines = 0;
    for (uint32_t room = 0; room < room_count; room++)
        lines += (uint64_t)rooms[room].size * (rooms[room].size + 1) / 2;
    return lines;
}

void ask_to_join(struct connection *c)
{
    const struct seat *of = &seats[(size_t)c->number * rooms_each];
    char line[512];
    for (uint32_t i = 0; i < rooms_each;) {
        int size = sprintf(line, "JOIN ");
        for (uint32_t end = i + JOIN_ROOMS; i < rooms_each && i < end; i++) {
            size += room_name(line + size, of[i].room);
            line[size++] = ',';
        }
        memcpy(line + size - 1, "\r\n", 2); /* over the last comma */
        put(c, line, (size_t)size + 1);
    }
}
