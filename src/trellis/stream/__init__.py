"""Partial values: what an answer says so far, while it is being written."""

from trellis.stream.partial import Partial
from trellis.stream.run import astream_structured, stream_structured

__all__ = ["Partial", "astream_structured", "stream_structured"]
