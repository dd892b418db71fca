"""The slow twin's register: what has to be remembered of a JSON text beyond what a grammar can."""

from __future__ import annotations

from typing import NamedTuple

from trellis.masking.reference_items import Watched


class Register(NamedTuple):
    """Where in a JSON text one stands, the names that were said in the objects that are open, and the items of the open
    arrays in which they have to differ.

    Attributes:
        mode: ``between`` (before, in or behind what is no string), ``text`` (in a string), ``expecting`` (where a name
            may come) or ``name`` (in one).
        escaped: whether a backslash stands before the next byte.
        name: the beginning of a name.
        frames: for each object or array that is open the names that were said, None for an array.
        arrays: those whose items have to differ.
        is_again: whether an item has just ended that was said before in its array.
    """

    mode: str = "between"
    escaped: bool = False
    name: bytes = b""
    frames: tuple[frozenset[bytes] | None, ...] = ()
    arrays: tuple[Watched, ...] = ()
    is_again: bool = False

    def step(self, byte: int, watched: bool = False) -> Register | None:
        """The register after one more byte; None when it ends a name that was said before.

        Args:
            watched: it opens an array whose items have to differ.
        """
        after = self._move(byte)
        if after is None or not (self.arrays or watched):
            return after
        return after._with_items(self, byte, watched)

    def _with_items(self, before: Register, byte: int, watched: bool) -> Register:
        arrays, is_again = [], False
        for it in before.arrays:
            if len(before.frames) == it.depth and before.mode == "between" and byte in b",]":
                if byte == ord("]"):
                    continue
                it = (it.ended() if it.text is not None else it)._replace(text=b"")
            elif it.text is not None and (before.mode in ("text", "name") or byte not in b" \t\r\n"):
                text = it.text + bytes([byte])
                it = it._replace(text=text)
                is_whole = text.endswith((b'"', b"}", b"]", b"true", b"false", b"null"))
                if is_whole and len(self.frames) == it.depth and self.mode == "between":
                    is_again = it.is_again
                    it = it.ended()
            arrays.append(it)
        # The bracket that closes a watched array may end an item of the one around it, which has seen it above.
        if watched:
            arrays.append(Watched(len(self.frames)))
        return self._replace(arrays=tuple(arrays), is_again=is_again)

    @property
    def ends_again(self) -> bool:
        """Whether an item that ends here was said before in its array; a number may also go on."""
        number = self.arrays and self.arrays[-1].depth == len(self.frames) and self.mode == "between"
        return self.is_again or bool(number and self.arrays[-1].is_again)

    def _move(self, byte: int) -> Register | None:
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
            return Register(frames=(*below, said | {name}), arrays=self.arrays)
        if mark in "{[":
            return Register("expecting" if mark == "{" else "between",
                            frames=(*self.frames, frozenset() if mark == "{" else None), arrays=self.arrays)
        if mark in "}]":
            return Register(frames=self.frames[:-1], arrays=self.arrays)
        if mark == '"':
            return self._replace(mode="name" if self.mode == "expecting" else "text", is_again=False)
        if mark == "," and self.frames and self.frames[-1] is not None:
            return self._replace(mode="expecting", is_again=False)
        return self._replace(is_again=False)

    @property
    def is_free_around(self) -> bool:
        """The same where an item ends that was not said before."""
        return self._replace(arrays=self.arrays[:-1]).is_free

    @property
    def is_free(self) -> bool:
        """Whether any name at all, and any item, may come here."""
        if not all(it.is_free for it in self.arrays):
            return False
        said = self.frames[-1] if self.frames else None
        return self.mode not in ("expecting", "name") or not said or not any(
            name.startswith(self.name) for name in said)
