"""Many prompts of one type: bounded concurrency, rate limits, a progress bar, and a file to take up again from."""

from trellis.batch.many import Row, Tally, agenerate_many, generate_many
from trellis.batch.pacing import RateLimit

__all__ = ["RateLimit", "Row", "Tally", "agenerate_many", "generate_many"]
