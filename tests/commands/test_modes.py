"""A room's modes: who may set them, what they let pass, how they are asked for and told."""

import pytest

from tests.core.chat import Chat


@pytest.fixture
def chat() -> Chat:
    return Chat()


# Setting and asking


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("+m", "+m"),
        ("+imsR-nt", "+Rims-nt"),
        ("+k secret", "+k secret"),
        ("+l 20", "+l 20"),
        ("+kl secret 20", "+kl secret 20"),
        ("+b bob", "+b bob!*@*"),
        ("+b 10.1.2.3/8", "+b *!*@10.0.0.0/8"),
        ("+b ~a:bob", "+b ~a:bob"),
        ("+b ~q:*!*@host", "+b ~q:*!*@host"),
        ("+e-n+I *!*@good bea", "-n+eI *!*@good bea!*@*"),
        ("+vo bea bea", "+ov bea bea"),
        ("+bbb a b c", "+bbb a!*@* b!*@* c!*@*"),
    ],
)
def test_an_operator_sets_it_and_everybody_is_told(chat: Chat, line: str, told: str) -> None:
    ana, bea = chat.member("ana", "#a"), chat.member("bea", "#a")
    event = f":ana!~u@host MODE #a {told}"
    assert sorted(chat.answers(ana, f"MODE #a {line}")[0].split()) == sorted(event.split())
    assert len(chat.told(bea)) == 1
    assert chat.answers(ana, f"MODE #a {line}") == []  # it changes nothing


def test_what_is_set_is_unset(chat: Chat) -> None:
    ana = chat.member("ana", "#a")
    chat.run(ana, "MODE #a +kl k1 9", "MODE #a +b bob", "MODE #a +v ana")
    assert chat.answers(ana, "MODE #a -klbv whatever BOB ana") == [":ana!~u@host MODE #a -klbv * bob!*@* ana"]
    assert chat.answers(ana, "MODE #a -k", "MODE #a -l") == []


def test_the_modes_are_shown_with_the_key_to_members_alone(chat: Chat) -> None:
    ana, eve = chat.member("ana", "#a"), chat.member("eve")
    chat.run(ana, "MODE #a +klm secret 7")
    assert chat.answers(ana, "MODE #a")[0] == "324 ana #a +mntkl secret 7"
    assert chat.answers(eve, "MODE #a")[0] == "324 eve #a +mntkl * 7"


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("+k", "461 ana MODE :Not enough parameters"),
        ("+l", "461 ana MODE :Not enough parameters"),
        ("+l 0", "696 ana #a l 0 :A limit is a number from 1 to 1,000,000"),
        ("+l x", "696 ana #a l x :A limit is a number from 1 to 1,000,000"),
        ("+k a,b", "525 ana #a :Key is not well-formed"),
        ("+k " + "x" * 24, "525 ana #a :Key is not well-formed"),
        ("+k :a b", "525 ana #a :Key is not well-formed"),
        ("+b ~z:x", "696 ana #a b ~z:x :~a: names an account, or * for any"),
        ("+e ~q:x", "696 ana #a e ~q:x :~a: names an account, or * for any"),
        ("+b " + "x" * 80, f"696 ana #a b {'x' * 80} :The mask is 84 bytes long, the limit is 76"),
        ("+b 1.2.3.4/99", "696 ana #a b 1.2.3.4/99 :'1.2.3.4/99' does not appear to be an IPv4 or IPv6 network"),
        ("+q bea", "400 ana MODE :bea is not logged in: a founder has an account"),
        ("+zz", "472 ana z :is unknown mode char to me"),
    ],
)
def test_what_cannot_be_set_says_why(chat: Chat, line: str, answer: str) -> None:
    ana, _ = chat.member("ana", "#a"), chat.member("bea", "#a")
    assert chat.answers(ana, f"MODE #a {line}") == [answer]
    assert chat.answers(ana, "MODE #a")[0] == "324 ana #a +nt"


def test_lists_are_shown_with_who_set_them_and_when(chat: Chat) -> None:
    ana, bea, eve = chat.member("ana", "#a"), chat.member("bea", "#a"), chat.member("eve")
    chat.run(ana, "MODE #a +be bob *!*@good")
    bans = ["367 {} #a bob!*@* ana 1000", "368 {} #a :End of channel ban list"]
    for client, name in ((ana, "ana"), (bea, "bea"), (eve, "eve")):
        for query in ("b", "+b", "-b"):
            assert chat.answers(client, f"MODE #a {query}") == [line.format(name) for line in bans]
    assert chat.answers(ana, "MODE #a eI") == [
        "348 ana #a *!*@good ana 1000",
        "349 ana #a :End of channel exception list",
        "347 ana #a :End of channel invite exception list",
    ]
    for client, name in ((bea, "bea"), (eve, "eve")):
        assert chat.answers(client, "MODE #a e") == [f"482 {name} #a :You're not channel operator"]


def test_a_full_list_takes_no_more() -> None:
    chat = Chat(masks_per_room=3)
    ana = chat.member("ana", "#a")
    chat.run(ana, "MODE #a +beI a b c")
    assert chat.answers(ana, "MODE #a +b-e+b d b d") == [
        ":ana!~u@host MODE #a -e+b b!*@* d!*@*",
        "478 ana #a b :Channel list is full",
    ]


def test_the_lists_of_all_rooms_of_one_address_are_bounded_too() -> None:
    chat = Chat(masks_per_address=3)
    ana = chat.member("ana", "#a", "#b")
    chat.run(ana, "MODE #a +bb a b")
    full = "478 ana #b b :Channel list is full"
    assert chat.answers(ana, "MODE #b +bb a b") == [":ana!~u@host MODE #b +b a!*@*", full]
    bea = chat.member("bea", "#c", host="elsewhere")
    assert chat.answers(bea, "MODE #c +b a") == [":bea!~u@elsewhere MODE #c +b a!*@*"]
    chat.run(ana, "PART #a")
    assert chat.answers(ana, "MODE #b +b b") == [":ana!~u@host MODE #b +b b!*@*"]


def test_the_longest_masks_and_names_fit_in_one_line() -> None:
    chat = Chat()
    ana = chat.member("a" * 30, "#" + "r" * 63, host="h" * 63)
    masks = [f"{number}{'x' * 71}!*@*" for number in range(4)]
    (line,) = chat.answers(ana, f"MODE #{'r' * 63} +imsRE-nt+b+b+b+b {' '.join(masks)}")
    assert len(line) <= 510
    assert line.endswith(masks[-1])


# Who may come in


JOINS = {"473": "Cannot join channel (+i)", "474": "Cannot join channel (+b)", "475": "Cannot join channel (+k)"}


@pytest.mark.parametrize(
    ("modes", "join", "code"),
    [
        ("+i", "JOIN #a", "473"),
        ("+iI bob", "JOIN #a", ""),
        ("+iI *!*@10.0.0.0/8", "JOIN #a", ""),
        ("+iI eve", "JOIN #a", "473"),
        ("+k key", "JOIN #a", "475"),
        ("+k key", "JOIN #a wrong", "475"),
        ("+k key", "JOIN #a KEY", "475"),
        ("+k key", "JOIN #a key", ""),
        ("+k key", "JOIN #b,#a x,key", ""),
        ("+l 1", "JOIN #a", "471"),
        ("+l 2", "JOIN #a", ""),
        ("+R", "JOIN #a", "477"),
        ("+b bob", "JOIN #a", "474"),
        ("+b *!*@10.1.2.3", "JOIN #a", "474"),
        ("+b *!*@10.0.0.0/8", "JOIN #a", "474"),
        ("+b *!*@11.0.0.0/8", "JOIN #a", ""),
        ("+b ~a:*", "JOIN #a", ""),
        ("+be bob *!*@10.1.*", "JOIN #a", ""),
        ("+b ~q:bob", "JOIN #a", ""),
        ("+bI bob bob", "JOIN #a", "474"),
    ],
)
def test_who_may_come_in(chat: Chat, modes: str, join: str, code: str) -> None:
    ana, bob = chat.member("ana", "#a"), chat.member("bob", host="10.1.2.3")
    chat.run(ana, f"MODE #a {modes}")
    answers = chat.answers(bob, join)
    assert [line[:3] for line in answers if " #a :Cannot join" in line] == ([code] if code else [])
    assert (chat.user("bob") in chat.room().members) is not bool(code)


def test_an_account_is_banned_wherever_it_comes_from_and_only_it_enters_a_room_of_accounts(chat: Chat) -> None:
    ana, bob = chat.member("ana", "#a", "#b"), chat.member("bob")
    chat.run(ana, "MODE #a +b ~a:bobby", "MODE #b +R")
    assert chat.answers(bob, "JOIN #b")[0].startswith("477 bob #b ")
    chat.log_in(bob, "Bobby")
    assert chat.answers(bob, "JOIN #a") == ["474 bob #a :Cannot join channel (+b)"]
    assert chat.answers(bob, "JOIN #b")[0] == ":bob!~u@host JOIN #b"


# Who may speak


@pytest.mark.parametrize(
    ("modes", "speaks"),
    [
        ("+m", False),
        ("+mv bob", True),
        ("+b bob", False),
        ("+bv bob bob", True),
        ("+b *!*@10.0.0.0/8", False),
        ("+be bob *!~u@*", True),
        ("+b ~q:bob", False),
        ("+be ~q:bob bob", True),
        ("+b ~q:~a:*", True),
        ("+b eve", True),
        ("+iklR x 1", True),
    ],
)
def test_who_may_speak(chat: Chat, modes: str, speaks: bool) -> None:
    ana, bob = chat.member("ana", "#a"), chat.member("bob", "#a", host="10.1.2.3")
    chat.run(ana, f"MODE #a {modes}")
    chat.told(ana)
    for _ in range(2):  # the second time the answer is known
        for verb, text in (("PRIVMSG", " :hello"), ("TAGMSG", ""), ("NOTICE", " :hello")):
            refused = [] if speaks or verb == "NOTICE" else ["404 bob #a :Cannot send to channel"]
            assert chat.answers(bob, f"{verb} #a{text}") == refused
        assert len(chat.told(ana)) == (2 if speaks else 0)  # without message-tags she gets no TAGMSG


def test_a_ban_holds_from_its_place_in_the_order_on_for_the_name_and_account_that_somebody_has_then(chat: Chat) -> None:
    ana, bob = chat.member("ana", "#a"), chat.member("bob", "#a")

    def speaks() -> bool:
        return chat.answers(bob, "PRIVMSG #a :x") == []

    assert speaks()
    chat.run(ana, "MODE #a +b bob")
    assert not speaks()
    chat.run(bob, "NICK rob")
    assert speaks()
    chat.run(ana, "MODE #a +b ~a:bobby")
    assert speaks()
    chat.log_in(bob, "bobby")
    assert not speaks()
    chat.run(ana, "MODE #a +e rob")
    assert speaks()
    chat.run(ana, "MODE #a -e rob")
    assert not speaks()
    chat.run(ana, "MODE #a -b ~a:bobby")
    assert speaks()


def test_who_may_not_speak_sets_no_topic_and_says_nothing_in_parting(chat: Chat) -> None:
    ana, bob = chat.member("ana", "#a"), chat.member("bob", "#a")
    chat.run(ana, "MODE #a -t+b bob")
    assert chat.answers(bob, "TOPIC #a :mine") == ["404 bob #a :Cannot send to channel"]
    assert chat.answers(bob, "PART #a :look at me") == [":bob!~u@host PART #a"]


def test_words_for_the_ranked_alone(chat: Chat) -> None:
    ana, bob, eve, out = (chat.member(nick, "#a") for nick in ("ana", "bob", "eve", "out"))
    chat.run(ana, "MODE #a +v bob")
    chat.run(out, "PART #a")
    for client in (ana, bob, eve, out):
        chat.told(client)
    assert chat.answers(eve, "PRIVMSG @#a :operators", "PRIVMSG +#A :voices") == []
    assert chat.told(ana) == [":eve!~u@host PRIVMSG @#a :operators", ":eve!~u@host PRIVMSG +#a :voices"]
    assert chat.told(bob) == [":eve!~u@host PRIVMSG +#a :voices"]
    assert chat.told(out) == chat.told(eve) == []
    assert chat.answers(out, "PRIVMSG @#a :x") == ["404 out #a :Cannot send to channel"]


def test_words_for_more_than_a_hundred_of_a_rank_are_refused() -> None:
    chat = Chat()
    ana, *others = (chat.member(f"n{number}", "#a") for number in range(102))
    room = chat.room()
    for member in list(room.members)[1:]:
        room.set_rank(member, "v")
    assert chat.answers(ana, "PRIVMSG +#a :x") == ["407 n0 +#a :Too many targets: the limit is 100"]
    chat.run(ana, "MODE #a -vv n100 n101")
    chat.told(others[0])
    assert chat.answers(ana, "PRIVMSG +#a :x") == []
    assert chat.told(others[0]) == [":n0!~u@host PRIVMSG +#a :x"]
