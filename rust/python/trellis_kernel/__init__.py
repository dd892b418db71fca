"""The mask kernel of Trellis: walks a language over a token vocabulary.

Trellis itself lowers grammars to what this module takes; few programs need it directly.
"""

from trellis_kernel._kernel import (
    Grammar,
    KernelError,
    Matcher,
    PlainSchemas,
    Vocabulary,
    fill_bitmasks,
    tidy,
)

__all__ = ["Grammar", "KernelError", "Matcher", "PlainSchemas", "Vocabulary", "fill_bitmasks", "tidy"]
