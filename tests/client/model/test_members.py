"""Who is in a room, with ranks and who is away."""

from chat.client.irc.news import Member
from chat.client.model.talk import Members


def members(*entered: Member) -> Members:
    everybody = Members()
    everybody.enter(*entered)
    return everybody


def test_they_are_listed_by_rank_and_then_by_name() -> None:
    everybody = members(Member("zoe", "@"), Member("ana"), Member("Ben"), Member("carl", "+"), Member("dora", "+@"))
    assert [member.rank + member.nick for member in everybody.listed()] == ["@dora", "@zoe", "+carl", "ana", "Ben"]
    assert everybody.nicks() == ["ana", "Ben", "carl", "dora", "zoe"]


def test_a_name_is_the_same_in_any_letters() -> None:
    everybody = members(Member("Ana"), Member("ANA", "@"))
    assert len(everybody) == 1
    assert "aNa" in everybody
    everybody.leave("ana")
    assert len(everybody) == 0
    everybody.leave("ana")


def test_a_new_name_keeps_rank_and_absence() -> None:
    everybody = members(Member("ana", "@", away=True))
    everybody.rename("ANA", "Zoe")
    assert everybody.listed() == [Member("Zoe", "@", away=True)]
    everybody.rename("nobody", "somebody")
    assert len(everybody) == 1


def test_a_new_list_of_names_leaves_who_is_away() -> None:
    everybody = members(Member("ana", away=True))
    everybody.enter(Member("ana", "+"))
    assert everybody.listed() == [Member("ana", "+", away=True)]


def test_taking_the_highest_rank_shows_the_next() -> None:
    everybody = members(Member("ana", "@+"))
    assert everybody.set_rank("ana", "@", False)
    assert everybody.listed() == [Member("ana", "+")]
    assert everybody.set_rank("ana", "~", True)
    assert everybody.listed() == [Member("ana", "~+")]
    assert not everybody.set_rank("ana", "~", True)
    assert not everybody.set_rank("nobody", "~", True)


def test_only_what_is_new_of_somebody_here_counts_as_going_away() -> None:
    everybody = members(Member("ana"))
    assert everybody.set_away("ANA", True)
    assert not everybody.set_away("ana", True)
    assert not everybody.set_away("ben", True)
    assert everybody.set_away("ana", False)
    assert everybody.listed() == [Member("ana")]


def test_no_two_members_have_one_colour_while_there_are_others_and_each_keeps_theirs() -> None:
    members = Members()
    members.enter(*(Member(f"user{number}") for number in range(14)))
    colours = {nick: members.colour(nick, 14) for nick in members.nicks()}
    assert sorted(colours.values()) == list(range(14))
    members.enter(Member("one more"))
    assert members.colour("one more", 14) in range(14)
    members.leave("user3")
    assert members.colour("user3", 14) == colours["user3"]
    members.rename("user4", "zoe")
    assert members.colour("ZOE", 14) == colours["user4"]
    assert all(members.colour(nick, 14) == colours[nick] for nick in members.nicks() if nick in colours)
