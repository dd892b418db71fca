"""The built-in model, ``trellis/nano``: a small transformer in numpy, for first steps, tests and measurement.

It needs no key and no network, answers in JSON, YAML or CSV about short texts, and makes honest mistakes; ``card.md``
beside this file says what it was trained on and how often it is right.
"""

from trellis.models.nano.model import NanoModel

__all__ = ["NanoModel"]
