"""Formats, against the standard library where it knows them."""

from __future__ import annotations

import datetime
import ipaddress
import random
import re

import pytest

from trellis.schema import idn
from trellis.schema.formats import pattern_of


def has_format(name: str, text: str) -> bool:
    pattern = pattern_of(name)
    assert pattern is not None
    return pattern.matches(text)


def test_every_date_there_is_and_no_other() -> None:
    for year in [0, 1, 4, 99, 100, 400, 1899, 1900, 1999, 2000, 2023, 2024, 2100, 9999]:
        for month in range(14):
            for day in range(33):
                try:
                    datetime.date(year, month, day)
                    exists = True
                except ValueError:
                    exists = False
                assert has_format("date", f"{year:04}-{month:02}-{day:02}") == exists


@pytest.mark.parametrize(("name", "address"), [("ipv4", ipaddress.IPv4Address), ("ipv6", ipaddress.IPv6Address)])
def test_addresses(name: str, address: type) -> None:
    chooser = random.Random(7)
    for _ in range(4000):
        separator = ":" if name == "ipv6" else "."
        parts = [chooser.choice(["", "0", "1", "ab", "255", "256", "01", "1.2.3.4", "12345"] if chooser.random() < 0.3
                                else ["1", "2"]) for _ in range(chooser.randint(1, 9))]
        text = separator.join(parts)
        try:
            address(text)
            exists = True
        except ValueError:
            exists = False
        assert has_format(name, text) == exists, text


@pytest.mark.parametrize(("name", "good", "bad"), [
    ("time", ["00:00:00Z", "23:59:59.5+23:59", "01:02:03z"], ["24:00:00Z", "00:60:00Z", "00:00:60Z", "00:00:00"]),
    ("date-time", ["2024-02-29t00:00:00Z"], ["2024-02-29 00:00:00Z", "2024-02-30T00:00:00Z"]),
    ("duration", ["P1Y", "PT1H30M", "P3D", "P1M2DT3S"], ["P", "P1", "PT1H3S", "P1S", "1Y"]),
    ("uuid", ["00000000-0000-0000-0000-00000000000F"], ["00000000-0000-0000-0000-0000000000", "{}"]),
    ("email", ["a@b", "x.y+z@example.org"], ["@b", "a@", ".a@b", "a@-b", "a b@c"]),
    ("uri", ["a:", "http://a:80/b/c?d#e", "urn:x:y", "ftp://[::1]/", "a:/b"], ["", "//a", "/a", "http://a b"]),
    ("uri-reference", ["", "a", "/a", "//a", "?q", "#f", "http://a", "../b"], ["a b", "%zz", "1:b\\"]),
    ("idn-hostname", ["a.b", "실례.테스트", "bücher-laden.example", "例え.jp"],
     ["", "-a", "ä-", "ab--cd", "a b", "Ä", "ｱ", "א"]),
    ("regex", ["", r"^\d{3}-[a-z_]+$", r"(a|b)*?c", r"[\w.-]+@(?!x)\S{2,}", r"((a(b(c)))d)", r"[\u4e00-\u9fa5]",
               r"^[-a-z0-9-.]{10,15}[^/\0]$", r"[\x20-\x7e]"],
     ["(", "a**", "[z-a]", "a{5,2}", "\\", "[]", "*a", r"\a", "(?<n>a)", "(?=a)*", "a{15,12}"]),
    ("json-pointer", ["", "/", "/a~0b~1"], ["a", "/~", "/~2"]),
    ("relative-json-pointer", ["0", "12/a", "0#"], ["01", "/a", "-1"]),
])
def test_examples(name: str, good: list[str], bad: list[str]) -> None:
    assert [text for text in good if not has_format(name, text)] == []
    assert [text for text in bad if has_format(name, text)] == []


def test_what_is_a_regex_is_one_for_python() -> None:
    chooser = random.Random(5)
    parts = ["a", "z", "M", "-", "[", "]", "(", ")", "?", "*", "{", "1", ",", "5", "}", "\\", "d", "^", "$", "|", ":",
             "=", "x4", "u00e9", "b", "{2,13}", "[a-", "é", ".", "+", "(?", "\\u4e00-\\u9fff", "/", "!"]
    texts = ["".join(chooser.choices(parts, k=chooser.randint(1, 8))) for _ in range(3_000)]
    found = [text for text in texts if has_format("regex", text)]
    assert len(found) > 200
    for text in found:
        re.compile(text)


def test_internationalized_names_have_a_form_in_ascii() -> None:
    idna = pytest.importorskip("idna")
    chooser = random.Random(1)
    spans = re.findall(r"\\u(....)-\\u(....)", idn.letters())
    letters = [chr(code) for first, last in spans for code in range(int(first, 16), int(last, 16) + 1)]
    for _ in range(300):
        some = [*"az09", *chooser.choices(letters, k=20)]
        joint, longest = chooser.choice([("", idn.LONGEST), ("-", idn.WITH_HYPHENS)])
        label = joint.join(chooser.choices(some, k=chooser.choice([1, 3, longest])))
        assert has_format("idn-hostname", label)
        idna.encode(label)
