"""The slow twin's register: what has to be remembered of a JSON text beyond what a grammar can."""

from __future__ import annotations

from typing import NamedTuple


class Register(NamedTuple):
    """Where in a JSON text one stands, and the names that were said in the objects that are open.

    Attributes:
        mode: ``between`` (before, in or behind what is no string), ``text`` (in a string), ``expecting`` (where a name
            may come) or ``name`` (in one).
        escaped: whether a backslash stands before the next byte.
        name: the beginning of a name.
        frames: for each object or array that is open the names that were said, None for an array.
    """

    mode: str = "between"
    escaped: bool = False
    name: bytes = b""
    frames: tuple[frozenset[bytes] | None, ...] = ()

    def step(self, byte: int) -> Register | None:
        """The register after one more byte; None when it ends a name that was said before."""
        mark = chr(byte)
        if self.mode in ("text", "name"):
            name = self.name + bytes([byte]) if self.mode == "name" else b""
            if self.escaped or mark != '"':
                return self._replace(escaped=not self.escaped and mark == "\\", name=name)
            if self.mode == "text":
                return self._replace(mode="between")
            *below, said = self.frames
            if said is None or name in said:
                return None
            return Register(frames=(*below, said | {name}))
        if mark in "{[":
            return Register("expecting" if mark == "{" else "between",
                            frames=(*self.frames, frozenset() if mark == "{" else None))
        if mark in "}]":
            return Register(frames=self.frames[:-1])
        if mark == '"':
            return self._replace(mode="name" if self.mode == "expecting" else "text")
        if mark == "," and self.frames and self.frames[-1] is not None:
            return self._replace(mode="expecting")
        return self

    @property
    def is_free(self) -> bool:
        """Whether any name at all may come here, as far as this is about names."""
        said = self.frames[-1] if self.frames else None
        return self.mode not in ("expecting", "name") or not said or not any(
            name.startswith(self.name) for name in said)
