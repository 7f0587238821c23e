"""An option is a typed setting with its bounds, from the command line and from Locust's page alike."""

import argparse
from dataclasses import fields

import pytest

from chat.errors import SetupError
from loadtest.locust.options import add_options, all_options, settings_of
from loadtest.run.scenario import SCENARIOS
from loadtest.run.settings import Settings, spelled
from loadtest.scenarios.room import RoomSettings


def parse(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_options(parser)
    return parser.parse_args(words)


def test_help_names_the_scenarios_that_have_an_option_and_no_other() -> None:
    parser = argparse.ArgumentParser(formatter_class=lambda prog: argparse.HelpFormatter(prog, 2, 200, 10_000))
    add_options(parser)
    lines = [line.strip().partition("  ") for line in parser.format_help().splitlines() if line.startswith("  --")]
    said = {option.split()[0]: words.strip() for option, _, words in lines}
    assert said["--before"].startswith("crash, nodes, slow, stampede, restart, rolling: seconds of ordinary traffic")
    common = {each.name for each in fields(Settings)}
    for name, each in all_options().items():
        takers = [kind.name for kind in SCENARIOS.values() if name in {one.name for one in fields(kind.settings_type)}]
        words = each.metadata["help"]
        assert words.partition(":")[0].partition(",")[0] not in SCENARIOS
        if name not in common:
            assert said[spelled(each)].startswith(f"{', '.join(takers)}: {words[:10]}")


def test_without_options_the_settings_are_the_defaults() -> None:
    assert settings_of(parse()) == Settings()


def test_options_become_settings() -> None:
    settings = settings_of(
        parse(
            "--scenario", "room", "--rate", "0.5", "--room-size", "30", "--require", "p50<20ms", "--require", "lost<=3"
        )
    )
    assert settings == RoomSettings(scenario="room", rate=0.5, room_size=30, require="p50<20ms,lost<=3")


def test_text_from_the_page_is_read_as_the_option_is_and_emptiness_is_no_value() -> None:
    options = parse()
    options.rate, options.duration = "2.5", ""
    assert settings_of(options) == Settings(rate=2.5)


def test_text_from_the_page_that_does_not_fit_is_refused() -> None:
    options = parse("--scenario", "crash")
    options.max_p99_ratio = "fast"
    with pytest.raises(SetupError, match="--max-p99-ratio: 'fast' is not a number"):
        settings_of(options)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--scenario", "party"), "there is no scenario 'party', choose from broadcast, capacity"),
        (("--rate", "0"), "must be from 0.001 to 1e\\+06, got 0"),
        (("--announcers", "0"), "must be 1 or more, got 0"),
        (("--message-size", "9"), "must be from 56 to 350, got 9"),
        (("--room", "lobby"), "must be # and up to 39 characters"),
        (("--room-size", "many"), "'many' is not a number"),
    ],
)
def test_a_bad_option_says_what_would_be_good(words: tuple[str, ...], reason: str) -> None:
    with pytest.raises(argparse.ArgumentError, match=reason):
        parse(*words)


def test_help_is_readable() -> None:
    parser = argparse.ArgumentParser()
    add_options(parser)
    assert "more of one core" in " ".join(parser.format_help().split())


@pytest.mark.parametrize("old", ["--objective", "--max-p99-ms", "--max-lost", "--max-ghosts"])
def test_an_option_that_has_another_name_now_says_the_new_one(old: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(old, "5")
    assert ended.value.code == 2
    assert f"{old} is now --require '" in capsys.readouterr().err


def test_an_old_name_is_answered_with_the_new_one(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse("--server-outbox-limit", "9")
    assert "--server-outbox-limit is now --server-send-queue-limit" in capsys.readouterr().err
