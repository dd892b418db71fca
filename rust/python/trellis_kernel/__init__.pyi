from collections.abc import Callable, Sequence
from typing import final

from typing_extensions import Buffer

__all__ = ["Grammar", "KernelError", "Matcher", "PlainSchemas", "Vocabulary", "fill_bitmasks", "tidy"]

class KernelError(Exception):
    """An error of the kernel.

    ``args`` is ``(kind, message, index)``: kind is "program", "limit", "time", "state", "budget" or "vocabulary"; index is
    the terminal, rule, state or token it is about, or None.
    """

@final
class Vocabulary:
    """What each token of a tokenizer is in bytes, and tables that all grammars over it share.

    Empty tokens, special ids and end ids never match text.
    """

    def __new__(cls, tokens: Sequence[bytes], special_ids: Sequence[int], eos_ids: Sequence[int]) -> Vocabulary: ...
    @property
    def size(self) -> int:
        """Number of tokens."""
    @property
    def words(self) -> int:
        """int32 words in one row of a bitmask: ceil(size / 32)."""
    def memory_bytes(self) -> int:
        """Bytes of memory, about, with the tables for grammars to come."""

@final
class Grammar:
    """A compiled grammar: immutable, and safe to share between threads."""

    @staticmethod
    def general(
        vocabulary: Vocabulary,
        terminals: Sequence[bytes],
        names: Sequence[str],
        edges: bytes,
        finals: bytes,
        rule_starts: bytes,
        start: int,
        ignore: Sequence[int],
        names_once: int = 0,
        names_counted: bool = False,
        unique_opens: Sequence[int] = ...,
        unique_ends: Sequence[int] = ...,
    ) -> Grammar:
        """Compiles rules given as automata over symbols.

        Args:
            names_once: not 0 where the texts are JSON in which every name has one spelling, and no object says a name
                twice: the least number of names that an object may have when it has no others left (2**32 - 1: never).
            names_counted: some object must have more names than the program says.
            unique_opens: terminals that open arrays in which no item comes twice, and stand nowhere else. Where there
                are any, ``names_once`` is not 0.
            unique_ends: those that come behind the items of these arrays.

        Raises:
            KernelError: "program" or "limit", with the index of the terminal, rule, state or edge.
        """
    @staticmethod
    def lalr(
        vocabulary: Vocabulary,
        terminals: Sequence[bytes],
        names: Sequence[str],
        actions: bytes,
        gotos: bytes,
        rules: bytes,
        start: int,
        end: int,
        scanners: Sequence[tuple[Sequence[int], Sequence[int],
                                 Sequence[tuple[int, Sequence[Sequence[bytes]], int]]]],
        scanner_of: bytes,
        conflict_free: bool,
    ) -> Grammar:
        """Compiles an LALR table with its scanners: (terminals in order, ignored ones, keywords as (regex terminal,
        word, keyword terminal), the word being the spellings of each letter). ``conflict_free``: no action was preferred
        to another that the grammar has.

        Raises:
            KernelError: "program" or "limit", with the index of the terminal, scanner, state or row.
        """
    def matcher(self, max_tokens: int | None = None, step_seconds: float | None = None) -> Matcher:
        """A matcher at the start of the output.

        Args:
            step_seconds: a mask, or a token, that takes longer is a KernelError ("time"); 30 by default.

        Raises:
            KernelError: "budget", when ``max_tokens`` is below ``min_tokens()``.
            ValueError: no time of that length.
        """
    def min_tokens(self) -> int:
        """Tokens that the shortest output needs, the end token among them."""
    def stats(self) -> dict[str, int]:
        """Sizes and look-ups: states, continuations, cached_masks, bytes, lexer_states, hits, misses, sweeps."""

@final
class Matcher:
    """Where one sequence stands."""

    def fill_bitmask(self, bitmask: Buffer, row: int = 0) -> None:
        """Overwrites a row of an int32 bitmask (words, or rows x words; C-contiguous): the tokens that may come next."""
    def accept(self, token_id: int) -> bool:
        """Accepts a token; False: refused, and nothing has changed."""
    def accept_bytes(self, data: bytes) -> int:
        """Accepts as many bytes as some completion follows, as one step of the history; returns how many."""
    def rollback(self, n: int) -> None:
        """Undoes the last ``n`` accepted tokens.

        Raises:
            KernelError: "state", when fewer are accepted.
        """
    def unlimited(self) -> Matcher:
        """A copy without a budget."""
    def fork(self) -> Matcher:
        """An independent matcher at the same place; costs the same however long the history is."""
    @property
    def can_end(self) -> bool:
        """Whether the output may end here."""
    @property
    def finished(self) -> bool:
        """Whether an end token was accepted."""
    def expected(self) -> list[str]:
        """Names of the terminals that are being read or may come next, in the grammar's order."""
    def witness(self) -> bytes:
        """The text of a shortest ending from here, special tokens left out."""
    def forced_bytes(self, limit: int) -> bytes:
        """The bytes that every completion starts with, ``limit`` at most; none before a special token."""
    def tokens_needed(self) -> int:
        """Tokens that a shortest ending needs, the end token among them; 0 when finished."""

@final
class PlainSchemas:
    """Lowers JSON Schemas whose arrays and objects need no algebra."""

    def __new__(cls, separators: Sequence[tuple[bytes, str]], name: bytes,
                anything: tuple[Sequence[bytes], Sequence[str], bytes, bytes, bytes, int, int],
                scalars: Sequence[tuple[str, tuple[bytes, str]]], keywords: Sequence[tuple[str, str]],
                spellings: Sequence[str]) -> PlainSchemas:
        """Terminals come with their names.

        Args:
            separators: the terminals of ``{``, ``}``, ``[``, ``]``, ``,`` and ``:``.
            name: the terminal of any property's name, a regex.
            anything: terminals, names, edges, finals, rule starts, start and ``names_once`` of the program of any
                value.
            scalars: for each type but array and object, and for null and boolean together in either order (names
                with a blank between them), its terminal.
            keywords: each keyword and what it is: its own name where it is plain, or annotation, address, reference,
                number, string or other.
            spellings: the keywords that no other name may differ from in upper and lower case only.
        """
    def lower(self, root: object, any_order: bool,
              ways: Callable[[dict[str, object] | int, str], list[tuple[object, ...]] | None],
              ) -> tuple[list[bytes], list[str], bytes, bytes, bytes, int, int] | None:
        """The program of a schema, in parts as ``anything``; None when it goes beyond, or has no instance.

        Args:
            any_order: whether properties come in any order, not the schema's.
            ways: asked for the ways across the values of a schema (and its JSON pointer) with keywords that are not
                plain, or of a value's handle; None for what goes beyond. A way is ``("scalar", terminal, name)``,
                ``("any array",)``, ``("any object",)``, ``("array of" or "object of", plain schema, pointer)``,
                ``("array", identity, value, minimum, maximum or None)`` or ``("object", identity, members, required
                names, others)``: members are names and values, others terminals of names and values. A value is True
                (any), False (none), a schema and its pointer, or a handle.
        """

def fill_bitmasks(matchers: Sequence[Matcher], bitmask: Buffer, threads: int) -> None:
    """Overwrites the first rows of an int32 bitmask with the masks of some matchers, in their order.

    Masks that are not known yet are computed by ``threads`` threads at most, without the interpreter's lock.
    """

def tidy(edges: bytes, finals: bytes, rule_starts: bytes, start: int,
         ignore: Sequence[int]) -> tuple[bytes, bytes, bytes, list[int]] | None:
    """A general program without what has no text or cannot be reached, in the order of discovery.

    Args:
        edges, finals, rule_starts, start, ignore: as for ``Grammar.general``; nullable rules need no empty edges.

    Returns:
        Edges, finals (none when no text belongs to the program), rule starts, and for each terminal that is left its
        old number. None when there is left recursion, or a cycle that reads nothing.

    Raises:
        KernelError: an edge leads nowhere.
    """
