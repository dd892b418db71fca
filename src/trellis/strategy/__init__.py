"""Layer 3: how test-time compute is spent until a value is valid, and good."""

from trellis.strategy.beam import Beam
from trellis.strategy.best_of import BestOf
from trellis.strategy.budget import Budget, Meter, Price
from trellis.strategy.draft import Draft
from trellis.strategy.grounded import grounded_in
from trellis.strategy.guard import guarded
from trellis.strategy.judge import Judge
from trellis.strategy.reading import Validator
from trellis.strategy.retry import Retry
from trellis.strategy.task import FindModel, Flow, Strategy, Task, derive_seed, together
from trellis.strategy.verify import Check, Verifier
from trellis.strategy.vote import Vote

__all__ = [
    "Beam", "BestOf", "Budget", "Check", "Draft", "FindModel", "Flow", "Judge", "Meter", "Price", "Retry", "Strategy",
    "Task", "Validator", "Verifier", "Vote", "derive_seed", "grounded_in", "guarded", "together",
]
