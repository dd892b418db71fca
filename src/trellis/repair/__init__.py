"""Repair: reading structured data out of text that should be JSON, YAML or CSV, with every change on record."""

from __future__ import annotations

from .csv import read_csv, repair_csv
from .detect import repair
from .edits import Edit, Repaired, apply_edits
from .json import repair_json
from .policies import Policies
from .rules import RULES, Level, Rule
from .search import Limits
from .stream import StreamRepairer, StreamResult
from .stream_json import Committed, Snapshot
from .user_rules import UserRule
from .yaml import repair_yaml
from .yaml_standard import read_yaml

repair_any = repair
"""The name of ``repair`` in ``trellis`` itself, where ``repair`` is this package."""

__all__ = [
    "RULES",
    "Committed",
    "Edit",
    "Level",
    "Limits",
    "Policies",
    "Repaired",
    "Rule",
    "Snapshot",
    "StreamRepairer",
    "StreamResult",
    "UserRule",
    "apply_edits",
    "read_csv",
    "read_yaml",
    "repair",
    "repair_any",
    "repair_csv",
    "repair_json",
    "repair_yaml",
]
