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


@pytest.mark.parametrize(("version", "network", "interface"), [
    (4, ipaddress.IPv4Network, ipaddress.IPv4Interface), (6, ipaddress.IPv6Network, ipaddress.IPv6Interface)])
def test_networks(version: int, network: type, interface: type) -> None:
    chooser = random.Random(version)
    size = 32 if version == 4 else 128
    for _ in range(1500):
        prefix = chooser.choice([chooser.randint(0, size), chooser.randint(0, size // 8) * 8])
        zeros = chooser.choice([size - prefix, size // 2, 0, size - prefix - 1])
        number = chooser.getrandbits(size) >> max(zeros, 0) << max(zeros, 0)
        text = f"{ipaddress.ip_address(number) if version == 4 else ipaddress.IPv6Address(number)}/{prefix}"
        assert has_format(f"ipv{version}interface", text)
        interface(text)
        try:
            network(text)
            exists = True
        except ValueError:
            exists = False
        if version == 4 or not exists or text.split("/")[0].endswith("::"):
            assert has_format(f"ipv{version}network", text) == exists, text
    for text in ("1.2.3.4/33", "::/129", "1.2.3.4/", "::/x"):
        assert not has_format(f"ipv{version}interface", text)
        assert not has_format(f"ipv{version}network", text)


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
    ("date-time-local", ["2024-02-29T00:00:00", "2024-02-28T23:59:59.5"],
     ["2024-02-29T00:00:00Z", "2023-02-29T00:00:00"]),
    ("time-local", ["00:00:00", "23:59:59.25"], ["00:00:00Z", "24:00:00"]),
    ("iso8601-duration", ["-P22Y143DT17H48M25.000816S", "PT0S", "P2738999Y364DT23H59M59S", "P2W", "PT1.5S"],
     ["P", "PT", "-PT", "P1DT", "P2739000Y", "1D", "P1S"]),
    ("uuid4", ["00000000-0000-4000-8000-00000000000F"], ["00000000-0000-1000-8000-00000000000F",
                                                         "00000000-0000-4000-7000-00000000000F"]),
    ("base64url", ["", "aa==", "a-_="], ["a", "a+/="]),
    ("ipvanyaddress", ["::1", "1.2.3.4"], ["1.2.3", "::g"]),
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
