"""Layer 3: how test-time compute is spent until a value is valid."""

from trellis.strategy.budget import Budget, Meter
from trellis.strategy.retry import Retry
from trellis.strategy.task import Flow, Strategy, Task, Validator, derive_seed

__all__ = ["Budget", "Flow", "Meter", "Retry", "Strategy", "Task", "Validator", "derive_seed"]
