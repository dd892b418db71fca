"""The run log: every call with its attempts, as JSON Lines that are only ever appended to.

``Session(log="run.jsonl")`` writes one; ``read_log`` reads it; ``export`` makes training data of it and ``page`` a
report. ``docs/log.md`` says what stands in a line.
"""

from trellis.runlog.log import RunLog
from trellis.runlog.reader import Log, LoggedRun, read_log
from trellis.runlog.record import Record, recorded
from trellis.runlog.redact import Redactor

__all__ = ["Log", "LoggedRun", "Record", "Redactor", "RunLog", "read_log", "recorded"]
