"""The command line: ``trellis generate``, ``generate-many``, ``repair``, ``grammar``, ``schema``, ``mask``, ``probe``,
``export``, ``report``, ``bench``.

Data goes to standard output, everything said about it to standard error; output is coloured and laid out on a terminal
and plain in a pipe. Exit codes: 0 done; 1 the model gave nothing acceptable, a text is refused, or ``--check`` or
``--diff`` found something to repair; 2 the call is wrong, or a file cannot be read or written; 3 the text cannot be
repaired; 4 it was read, but it is against the schema; 5 a limit was hit; 130 interrupted; 141 the reader of standard
output went away. ``--help`` says so too.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from trellis.cli.lazy import COMMANDS, LazyGroup, stub
from trellis.cli.report import EXIT_CODES, exit_code, show_error
from trellis.errors import TrellisError

_SPELT = {"--explain=json": "--explain-json", "--explain=text": "--explain"}  # a flag that may have a value
app = typer.Typer(
    name="trellis",
    cls=LazyGroup,
    help="Language models that answer in the shape a program needs.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _name in COMMANDS:
    app.command(_name, help=COMMANDS[_name].help)(stub)


def _version(wanted: bool) -> None:
    if wanted:
        from trellis import __version__

        typer.echo(f"trellis {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: bool = typer.Option(
        False, "--version", help="Print the version and stop.", callback=_version, is_eager=True
    ),
) -> None:
    """Language models that answer in the shape a program needs."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns its exit code."""
    given = [_SPELT.get(word, word) for word in (sys.argv[1:] if arguments is None else arguments)]
    try:
        app(args=given, prog_name="trellis")
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 0
    except TrellisError as error:
        show_error(error)
        return exit_code(error)
    except OSError as error:  # of a stream; files have their own errors
        print(f"error: {error.strerror or error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return 0
