"""Names, words and numbers, drawn wide, in two halves that share none.

Whether a word or number may stand in a training text or only in a held-out one is decided by its checksum, so no list
has to be kept: ``Draw(seed, held_out=True)`` never says what ``Draw(seed, held_out=False)`` can say. Exempt are closed
scales (a rating of 1 to 5), the words of the sentences themselves and the labels of fields.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from zlib import crc32

HELD_OUT_SHARE = 8  # one in eight


def _read_lists() -> dict[str, list[str]]:
    lists: dict[str, list[str]] = {}
    for line in Path(__file__).with_name("words.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            name = line.strip("[]")
            lists[name] = []
        elif line and not line.startswith("#"):
            lists[name].extend(line.split())
    return lists


LISTS = _read_lists()
_STARTS = [*LISTS["starts"], *[""] * 4]
_VOWELS = [*LISTS["vowels"] * 4, "é", "ö", "ü", "á", "í", "ø", "å", "ñu", "ã"]
_ENDS = [*LISTS["ends"], *[""] * 16]
_FAULTS = ("is broken", "does not load", "keeps crashing", "is very slow", "shows an error", "was lost", "is missing",
           "will not open", "stopped working", "fails every time", "is empty", "freezes", "cannot be saved", "is wrong")
_COMPANY = ("Ltd", "Inc", "GmbH", "Co", "Group", "Labs", "Works", "Partners", "Systems", "Foods", "Studio", "& Sons")

_split_lists: dict[tuple[str, bool], list[str]] = {}


def is_held_out(text: str) -> bool:
    return crc32(text.lower().encode()) % HELD_OUT_SHARE == 0


class Draw:
    """Draws from one half."""

    def __init__(self, seed: int | str, held_out: bool = False) -> None:
        self.rng = random.Random(seed)
        self.held_out = held_out
        self.choice = self.rng.choice
        self.sample = self.rng.sample

    def chance(self, p: float) -> bool:
        return self.rng.random() < p

    def between(self, lo: int, hi: int) -> int:
        """A structural number (how many of something), free of the split."""
        return self.rng.randint(lo, hi)

    def own(self, make: Callable[[], str]) -> str:
        """The first thing made that belongs to this half."""
        while True:
            text = make()
            if is_held_out(text) == self.held_out:
                return text

    def listed(self, key: str) -> str:
        """A word of a list, of the part of it that belongs to this half; a made-up word when that part is empty."""
        kept = _split_lists.get((key, self.held_out))
        if kept is None:
            kept = [word for word in LISTS[key] if is_held_out(word) == self.held_out]
            _split_lists[key, self.held_out] = kept
        return self.choice(kept) if kept else self.syllables()

    def syllables(self, most: int = 3) -> str:
        def make() -> str:
            n = self.rng.randint(1 if most < 3 else 2, most)
            return "".join(self.choice(_STARTS) + self.choice(_VOWELS) + self.choice(_ENDS) for _ in range(n))
        return self.own(make)

    def proper(self, most: int = 2) -> str:
        word = self.own(lambda: self.syllables(most).capitalize())
        return word if len(word) > 2 else self.proper(most)

    def first_name(self) -> str:
        return self.listed("first") if self.chance(0.5) else self.proper()

    def last_name(self) -> str:
        name = self.listed("last") if self.chance(0.45) else self.proper(3)
        if self.chance(0.04):
            name += "-" + self.proper()
        return name

    def person(self) -> str:
        middle = f" {self.choice('ABCDEFGHJKLMPRSTW')}." if self.chance(0.06) else ""
        return f"{self.first_name()}{middle} {self.last_name()}"

    def company(self) -> str:
        return f"{self.proper(3)} {self.choice(_COMPANY)}" if self.chance(0.75) else self.proper(3)

    def city(self) -> str:
        return self.listed("city") if self.chance(0.5) else self.proper(3)

    def product(self) -> str:
        thing = self.listed("thing") if self.chance(0.75) else self.syllables(2)
        make = self.listed("make") if self.chance(0.7) else self.syllables(2)
        roll = self.rng.random()
        if roll < 0.6:
            text = f"{make} {thing}"
        elif roll < 0.75:
            text = f"{make} {thing} {self.choice(('XS', 'S', 'M', 'L', 'XL', 'Pro', 'Mini', 'Plus'))}"
        elif roll < 0.9:
            text = f"{self.proper()} {thing}"
        else:
            text = thing
        return text.capitalize() if self.chance(0.3) else text

    def street(self) -> str:
        if self.chance(0.7):
            return f"{self.integer(1, 990)} {self.proper(3)} {self.choice(LISTS['street'])}"
        return f"{self.proper(3)}{self.choice(('straße', 'gatan', 'weg', ' Plaza', ' Park'))} {self.integer(1, 990)}"

    def topic(self) -> str:
        topic = self.listed("topic") if self.chance(0.6) else self.syllables(2)
        return f"{self.choice(('the', 'my', 'our', 'every'))} {topic} {self.choice(_FAULTS)}"

    def event(self) -> str:
        what = self.listed("event") if self.chance(0.7) else self.syllables(2)
        return f"{self.proper(3)} {what.capitalize() if self.chance(0.5) else what}"

    def word(self) -> str:
        roll = self.rng.random()
        if roll < 0.35:
            return self.listed("make")
        return self.listed("thing") if roll < 0.5 else self.syllables(2)

    def email(self, person: str | None = None) -> str:
        first, *_, last = (person or self.person()).lower().split()
        keep = str.maketrans("éöüáíøåñãëçł", "eouaioanaecl")
        first, last = first.translate(keep), last.translate(keep)
        user = self.choice((f"{first}.{last}", first, f"{first[0]}{last}", f"{first}_{last}",
                            f"{last}{self.integer(1, 99)}"))
        return self.own(lambda: f"{user}@{self.syllables(2).translate(keep)}.{self.choice(LISTS['tld'])}")

    def digits(self, n: int) -> str:
        return self.own(lambda: "".join(self.choice("0123456789") for _ in range(n)))

    def phone(self) -> str:
        area, a, b = self.digits(3), self.digits(3), self.digits(4)
        return self.choice((f"+{self.between(1, 98)} {area} {a}{b}", f"{area}-{a}-{b}", f"({area}) {a}-{b}",
                            f"0{area} {a} {b}",
                            f"+{self.between(1, 98)}{area}{a}{b}", f"555-{b}",
                            f"+{self.between(1, 98)} {area} {a} {b}"))

    def code(self, heads: Sequence[str] = ()) -> str:
        """An identifier such as ``ORD-40917``."""
        if heads and self.chance(0.6):
            return self.choice(heads) + self.choice(("-", "-", "#", "")) + self.digits(self.between(3, 6))
        letters = "".join(self.choice("ABCDEFGHJKLMNPQRSTUVWXYZ") for _ in range(self.between(1, 3)))
        return self.own(lambda: letters + self.choice(("-", "", "/")) + self.digits(self.between(3, 6))
                        + (self.choice("ABCDKX") if self.chance(0.2) else ""))

    def integer(self, lo: int, hi: int) -> int:
        """Log-uniform, so small numbers are common; for ranges of fifty and more."""
        span = hi - lo + 1
        return int(self.own(lambda: str(lo + min(span - 1, int(span ** self.rng.random()) - 1))))

    def money(self, hi: int = 5000) -> tuple[float | int, str]:
        """An amount and how a text writes it."""
        if self.chance(0.2):
            whole = self.integer(1, hi)
            return whole, (f"{whole:,}" if self.chance(0.4) else str(whole))
        text = self.own(lambda: f"{int(hi * 100 ** 1 * self.rng.random() ** 3) / 100 + 0.5:.2f}")
        amount = float(text)
        return amount, (f"{amount:,.2f}" if self.chance(0.4) else text)

    def date(self) -> dt.date:
        def make() -> str:
            return (dt.date(2019, 1, 1) + dt.timedelta(days=self.rng.randrange(4700))).isoformat()
        return dt.date.fromisoformat(self.own(make))

    def time(self) -> str:
        return self.own(lambda: f"{self.rng.randint(7, 22):02d}:{self.choice(range(0, 60, 5)):02d}")
