"""Each tenth of the members, in the order in which they came in, has its own latencies."""

from loadtest.core.examine import Audience
from loadtest.core.ledger import Ledger
from loadtest.core.receiver import Receiver, just
from loadtest.core.schedules import Schedule
from loadtest.core.slices import SAMPLE_NS, TENTHS, Fairness, tenth_of
from loadtest.core.stamps import Stamp, Stamps

RUN, ROOM, MEMBERS = "0123abcd", "#room", 40
SIZE = 80  # bytes of a message


def test_members_are_cut_into_tenths_in_the_order_of_coming() -> None:
    assert [tenth_of(place, 20) for place in range(20)] == [n // 2 for n in range(20)]
    assert [tenth_of(place, 3) for place in range(3)] == [0, 3, 6]


def test_a_sample_is_counted_by_tenths() -> None:
    fairness = Fairness()
    fairness.add(1_000, [2_000, 3_000, 9_000], [0, 9, 0])
    assert [histogram.count for histogram in fairness.tenths] == [2, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    assert (fairness.tenths[0].shortest, fairness.tenths[0].longest, fairness.tenths[9].total) == (1, 8, 2)


def line(number: int) -> bytes:
    return f":n!u@h PRIVMSG {ROOM} :{Stamps(RUN, 1, SIZE).text(Stamp(0, number, number))}\r\n".encode()


def test_an_account_takes_a_sample_of_all_who_read_the_same_several_times_a_second() -> None:
    table = Schedule(0, 1, 100)
    ledger = Ledger(Stamps(RUN, 1, SIZE), 10**9, {0: Audience(ROOM, MEMBERS, 100, schedule=table)})
    receivers = [Receiver(ROOM, tenth=tenth_of(place, MEMBERS)) for place in range(MEMBERS)]
    moments = (SAMPLE_NS, SAMPLE_NS + 1, 2 * SAMPLE_NS, 2 * SAMPLE_NS + 1, 3 * SAMPLE_NS)
    for number, moment in enumerate(moments):
        for place, receiver in enumerate(receivers):
            ledger.receive(receiver, line(number), just(moment + place * 1_000))
        ledger.flush()
    tenths = ledger.fairness.tenths
    # The first message reaches everyone apart, as each hears its sender for the first time: it is no sample.
    assert [histogram.count for histogram in tenths] == [2 * MEMBERS // TENTHS] * TENTHS
    assert tenths[9].total - tenths[0].total == 36 * 2 * MEMBERS // TENTHS
