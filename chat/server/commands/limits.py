"""Lengths that the server advertises, in bytes of UTF-8, and the costs of commands, in tokens.

Text is cut to its length once, where it enters. The lengths are chosen so that each line with the text fits in IRC's
512 bytes for every receiver, beside the longest server name (63), two nicknames (30), user name (10), host (63) and
room (64).
"""

REALNAME_BYTES = 150
TOPIC_BYTES = 300
REASON_BYTES = 250  # of AWAY, KICK, PART and QUIT
MODES = 4  # parameters of one MODE; the event's line fits with the longest names and masks
KEY_BYTES = 23  # of a room's key (mode k); as long as RFC 2812 allows
KICKS = 4  # members of one KICK
TARGETS = 8  # of one PRIVMSG: enough for people, few for a spammer

LINE_COST = 1 / 250  # for each line of a long answer; takes the loop some 1.5 µs
RECEIVER_COST = 1 / 1000  # for each member that a message or a join is sent to
RANK_COST = 1 / 100  # for each member of a room, part of whom a message is for
ROOM_COST = 1 / 10  # for each room concerned by a rename, an away or a change of capabilities
BYTES_A_TOKEN = 512  # of a message with its tags: a full line costs one token, one with as many bytes of tags two
