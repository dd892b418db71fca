"""What each layer is worth on a model: the built-in one, or any other; behind ``trellis bench``.

Cases are prompts with their types and right answers: those in ``cases.jsonl`` (made up; no training text of the
built-in model has their names and numbers), or a user's own.
"""

from trellis.bench.cases import Case, read_cases
from trellis.bench.consistency import consistency
from trellis.bench.journal import Journal
from trellis.bench.layers import layers
from trellis.bench.retries import retries
from trellis.bench.run import Bench
from trellis.bench.tables import Table

__all__ = ["Bench", "Case", "Journal", "Table", "consistency", "layers", "read_cases", "retries"]
