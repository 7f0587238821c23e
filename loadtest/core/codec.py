"""Write frozen dataclasses as JSON and read them again, and say in JSON Schema what that looks like.

Knows dataclasses, lists, tuples, dictionaries, optional values, numbers, text and histograms, nothing of runs. Reading
checks: what does not fit raises `Misfit` with its place.
"""

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Union, get_args, get_origin, get_type_hints

from chat.errors import FanfareError
from loadtest.core.histogram import Histogram

Json = Any
_PLAIN: dict[Any, str] = {int: "integer", float: "number", str: "string", bool: "boolean"}


class Misfit(FanfareError):
    """A file is not what it should be; the text says where."""


def encode(value: Any) -> Json:
    if isinstance(value, Histogram):
        return value.pack()
    if is_dataclass(value):
        return {each.name: encode(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): encode(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [encode(each) for each in value]
    return value


def decode(kind: Any, data: Json, place: str = "result") -> Any:
    """The value of this type that `encode` gave these data for. Raises Misfit."""
    if kind is Any:
        return data
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return None if data is None else decode(next(each for each in inner if each is not type(None)), data, place)
    if kind is Histogram:
        return _histogram(data, place)
    if is_dataclass(kind):
        return _made(kind, data, place)
    if origin in (list, tuple):
        return _sequence(origin, inner, data, place)
    if origin is dict:
        _expect(isinstance(data, dict), data, "an object", place)
        key, value = inner
        return {key(name): decode(value, each, f"{place}.{name}") for name, each in data.items()}
    wanted = (int, float) if kind is float else kind
    _expect(isinstance(data, wanted) and (kind is bool or not isinstance(data, bool)), data, _PLAIN[kind], place)
    return kind(data)


def schema(kind: Any) -> dict[str, Any]:
    """In JSON Schema, draft 2020-12."""
    origin, inner = get_origin(kind), get_args(kind)
    if kind is Any:
        return {}
    if origin in (Union, types.UnionType):
        return {"anyOf": [schema(each) for each in inner if each is not type(None)] + [{"type": "null"}]}
    if kind is Histogram:
        words = "total, shortest and longest in microseconds, then bucket and count for each bucket in use"
        return {"type": "array", "items": {"type": "integer"}, "minItems": 3, "description": words}
    if is_dataclass(kind):
        properties = {name: schema(each) for name, each in _types(kind).items()}
        return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    if origin is tuple and Ellipsis not in inner:
        return {"type": "array", "prefixItems": [schema(each) for each in inner], "items": False}
    if origin in (list, tuple):
        return {"type": "array", "items": schema(inner[0])}
    if origin is dict:
        return {"type": "object", "additionalProperties": schema(inner[1])}
    return {"type": _PLAIN[kind]}


def _types(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {each.name: hints[each.name] for each in fields(kind)}


def _made(kind: Any, data: Json, place: str) -> Any:
    _expect(isinstance(data, dict), data, "an object", place)
    known = _types(kind)
    for name in known.keys() ^ data.keys():
        raise Misfit(f"{place}: {name!r} is {'missing' if name in known else 'unknown'}")
    return kind(**{name: decode(each, data[name], f"{place}.{name}") for name, each in known.items()})


def _sequence(origin: Any, inner: tuple[Any, ...], data: Json, place: str) -> Any:
    _expect(isinstance(data, list), data, "an array", place)
    if origin is tuple and Ellipsis not in inner:
        _expect(len(data) == len(inner), data, f"an array of {len(inner)}", place)
        kinds = inner
    else:
        kinds = (inner[0],) * len(data)
    return origin(decode(kind, each, f"{place}[{n}]") for n, (kind, each) in enumerate(zip(kinds, data, strict=True)))


def _histogram(data: Json, place: str) -> Histogram:
    is_list = (
        isinstance(data, list) and len(data) >= 3 and len(data) % 2 and all(isinstance(each, int) for each in data)
    )
    _expect(bool(is_list), data, "a packed histogram", place)
    try:
        return Histogram.unpack(data)
    except IndexError:
        raise Misfit(f"{place}: a bucket is out of range") from None


def _expect(holds: bool, data: Json, what: str, place: str) -> None:
    if not holds:
        raise Misfit(f"{place}: should be {what}, is {str(data)[:40]!r}")
