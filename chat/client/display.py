"""Draw what the model says has changed, each part of the view once. Knows no session."""

from collections.abc import Iterable
from itertools import groupby

from chat.client.changes import (
    Appended,
    Change,
    Cleared,
    LineChanged,
    LineRemoved,
    MembersChanged,
    Opened,
    StageChanged,
    TalksChanged,
    TopicChanged,
)
from chat.client.model import Model
from chat.client.stage import Stage
from chat.client.talk import Talk
from chat.client.view import View


class Display:
    """What one talk's message box holds is kept with that talk."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._talk: Talk | None = None  # the one that is drawn

    def begin(self, model: Model) -> None:
        """Another connection: nothing of the one before is shown."""
        draft = self._view.composer.get()
        self._talk = None
        self._open(model.current)
        self._view.composer.set(draft)
        self.show(model, [TalksChanged(), StageChanged()])

    def show(self, model: Model, changes: Iterable[Change]) -> str:
        """Draw these changes; the window's title."""
        changes = list(changes)
        kinds = {type(change) for change in changes}
        if model.current is not self._talk:
            self._open(model.current)
        elif Cleared in kinds:
            self._view.transcript.show(model.current.lines)
        else:
            here = [change for change in changes if getattr(change, "talk", None) is self._talk]
            self._draw_lines(model.current, here)
            if any(isinstance(change, MembersChanged) for change in here):
                self._view.show_members(model.current)
        if TopicChanged in kinds or TalksChanged in kinds:
            self._view.show_title(model.current)
        if kinds & {TalksChanged, StageChanged, Opened}:
            self._view.sidebar.show(model.talks, model.current)
        if kinds & {StageChanged, Opened, TalksChanged}:
            self.show_stage(model)
        return _title(model)

    def show_stage(self, model: Model) -> None:
        """How the connection is, at the foot; what is wrong with it and mends it, at the head."""
        self._view.show_status(model.status)
        if model.stage is Stage.LOST:
            self._view.show_banner(model.reason, "Connect again")
        else:
            self._view.show_banner(model.outside, "Join again")

    def _open(self, talk: Talk) -> None:
        if self._talk:
            self._talk.draft = self._view.composer.get()
        self._talk = talk
        self._view.show_talk(talk)

    def _draw_lines(self, talk: Talk, changes: Iterable[Change]) -> None:
        """In their order: a line may be appended, and change, within one batch."""
        transcript = self._view.transcript
        oldest = talk.lines[0].id if talk.lines else 0
        for appended, run in groupby(changes, lambda change: isinstance(change, Appended)):
            if appended:
                transcript.append([change.line for change in run if isinstance(change, Appended)], oldest)
                continue
            for change in run:
                if isinstance(change, LineChanged):
                    transcript.change(change.line)
                elif isinstance(change, LineRemoved):
                    transcript.remove(change.line)


def _title(model: Model) -> str:
    """The talk's name, and how often somebody in the others named us or wrote to us alone."""
    calls = sum(talk.mentions for talk in model.talks)
    return f"({calls:,}) {model.current.name} - Fanfare" if calls else f"{model.current.name} - Fanfare"
