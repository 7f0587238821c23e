"""Take what is typed into the form of Locust's page, before Locust does: check it all, and keep out what is not there.

Locust itself takes every option by its name, be it on the page or not, and gives a number that is none as an error 500.
"""

import argparse
import logging
from collections.abc import Callable, Mapping
from functools import partial, update_wrapper
from typing import Any

from flask import jsonify, request
from locust import argument_parser
from werkzeug.datastructures import ImmutableMultiDict

from chat.errors import SetupError
from loadtest.page.on_page import ON_PAGE
from loadtest.settings.options import Settings

_LOCUSTS_OWN = frozenset(("user_count", "spawn_rate", "host", "run_time", "user_classes", "shape_class", "profile"))
_log = logging.getLogger("locust.fanfare")

Check = Callable[[Settings, str | None, int], None]  # raises SetupError where that run cannot be


def guard(environment: Any, check: Check) -> None:
    """Have the page's start and edit refuse, with one line, what cannot be."""
    web_ui = environment.web_ui
    swarm = web_ui.app.view_functions["locust.swarm"]
    guarded = update_wrapper(partial(_swarm, environment, check, swarm), swarm)
    web_ui.app.view_functions["locust.swarm"] = web_ui.auth_required_if_enabled(guarded)
    web_ui.app.jinja_env.policies["json.dumps_kwargs"] = {"sort_keys": False}  # the form is in the order of --help


def _swarm(environment: Any, check: Check, swarm: Callable[[], Any]) -> Any:
    """What is ours is taken here; Locust sees the rest."""
    form = request.form
    try:
        refuse_strangers(form, argument_parser.ui_extra_args_dict().keys())
        keep_target(form, environment.parsed_options.host)
        settings = settings_of(environment.parsed_options, form)
        if form.get("user_count", "").isdecimal():  # else Locust says so
            check(settings, environment.host, int(form["user_count"]))
    except SetupError as error:
        _log.error("Not started: %s", error)
        return jsonify({"success": False, "message": str(error), "host": environment.host})
    for name in ON_PAGE & form.keys():
        setattr(environment.parsed_options, name, getattr(settings, name))
    request.form = ImmutableMultiDict([each for each in form.items(multi=True) if each[0] not in ON_PAGE])
    return swarm()


def refuse_strangers(form: Mapping[str, str], shown: Any) -> None:
    """Raises SetupError for the first name that the page does not show."""
    for name in form:
        if name not in _LOCUSTS_OWN and name not in shown:
            raise SetupError(f"{name!r} is not set from Locust's page: give it on the command line")


def keep_target(form: Mapping[str, str], launched: str | None) -> None:
    """The server under test is said as the load test is launched. Raises SetupError where the form names another."""
    if (asked := form.get("host")) and asked != launched:
        now = f"it is {launched}" if launched else "there is none"
        raise SetupError(f"the target is not set from Locust's page, but by --host at launch: {now}")


def settings_of(options: argparse.Namespace, form: Mapping[str, str]) -> Settings:
    """Those of the options, changed by what the form says. Raises SetupError."""
    typed = {name: form[name] for name in ON_PAGE & form.keys()}
    return Settings.of(argparse.Namespace(**{**vars(options), **typed}))
