"""A value is written as JSON, described in JSON Schema, and read back; what does not fit is refused with its place."""

from dataclasses import dataclass
from typing import Any

import pytest

from loadtest.core.codec import Misfit, decode, encode, schema
from loadtest.core.histogram import Histogram
from loadtest.core.result import json_schema


@dataclass(frozen=True)
class Inner:
    name: str
    on: bool


@dataclass(frozen=True)
class Outer:
    inner: Inner
    times: Histogram
    share: float
    most: int | None
    pair: tuple[int, str]
    words: tuple[str, ...]
    several: list[Inner]
    counts: dict[int, float]
    anything: Any


SEVEN = Histogram()
SEVEN.add(7)
VALUE = Outer(Inner("a", True), SEVEN, 0.5, None, (1, "b"), ("c", "d"), [Inner("e", False)], {3: 1.5}, {"x": [None]})
JSON: dict[str, Any] = {
    "inner": {"name": "a", "on": True},
    "times": [7, 7, 7, 7, 1],
    "share": 0.5,
    "most": None,
    "pair": [1, "b"],
    "words": ["c", "d"],
    "several": [{"name": "e", "on": False}],
    "counts": {"3": 1.5},
    "anything": {"x": [None]},
}


def test_every_kind_of_value_is_written_and_read_back() -> None:
    assert encode(VALUE) == JSON
    assert decode(Outer, JSON) == VALUE
    assert decode(Outer, {**JSON, "most": 9, "share": 2}).most == 9
    assert isinstance(decode(Outer, {**JSON, "share": 2}).share, float)


def test_the_schema_is_what_is_written() -> None:
    of_inner = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "on": {"type": "boolean"}},
        "required": ["name", "on"],
        "additionalProperties": False,
    }
    packed = "total, shortest and longest in microseconds, then bucket and count for each bucket in use"
    assert schema(Outer) == {
        "type": "object",
        "properties": {
            "inner": of_inner,
            "times": {"type": "array", "items": {"type": "integer"}, "minItems": 3, "description": packed},
            "share": {"type": "number"},
            "most": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
            "pair": {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "items": False},
            "words": {"type": "array", "items": {"type": "string"}},
            "several": {"type": "array", "items": of_inner},
            "counts": {"type": "object", "additionalProperties": {"type": "number"}},
            "anything": {},
        },
        "required": list(JSON),
        "additionalProperties": False,
    }


def test_the_schema_of_a_result_says_its_draft_and_what_it_describes() -> None:
    head = {name: value for name, value in json_schema().items() if isinstance(value, str)}
    assert head == {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The result of a load test",
        "type": "object",
    }


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"inner": 5}, "result.inner: should be an object, is '5'"),
        ({"inner": {"name": "a"}}, "result.inner: 'on' is missing"),
        ({"inner": {"name": "a", "on": True, "off": 1}}, "result.inner: 'off' is unknown"),
        ({"inner": {"name": 3, "on": True}}, "result.inner.name: should be string, is '3'"),
        ({"inner": {"name": "a", "on": 1}}, "result.inner.on: should be boolean, is '1'"),
        ({"share": True}, "result.share: should be number, is 'True'"),
        ({"share": "x" * 50}, f"result.share: should be number, is '{'x' * 40}'"),
        ({"most": True}, "result.most: should be integer, is 'True'"),
        ({"most": 1.5}, "result.most: should be integer, is '1.5'"),
        ({"pair": [1]}, "result.pair: should be an array of 2, is '[1]'"),
        ({"pair": [1, 2]}, "result.pair[1]: should be string, is '2'"),
        ({"words": {}}, "result.words: should be an array, is '{}'"),
        ({"words": ["c", 4]}, "result.words[1]: should be string, is '4'"),
        ({"several": [{}]}, "result.several[0]: "),
        ({"counts": []}, "result.counts: should be an object, is '[]'"),
        ({"counts": {"3": "x"}}, "result.counts.3: should be number, is 'x'"),
        ({"times": 7}, "result.times: should be a packed histogram, is '7'"),
        ({"times": [7, 7]}, "result.times: should be a packed histogram, is '[7, 7]'"),
        ({"times": [7, 7, 7, 1]}, "result.times: should be a packed histogram"),
        ({"times": [7, 7, 7.5]}, "result.times: should be a packed histogram"),
        ({"times": [7, 7, 7, 10**9, 1]}, "result.times: a bucket is out of range"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(changed: dict[str, Any], why: str) -> None:
    with pytest.raises(Misfit) as refused:
        decode(Outer, {**JSON, **changed})
    assert str(refused.value).startswith(why)


def test_an_empty_packed_histogram_has_three_numbers() -> None:
    assert decode(Histogram, [0, 0, 0]) == Histogram()
    with pytest.raises(Misfit, match=r"^file: should be a packed histogram"):
        decode(Histogram, [0], "file")
