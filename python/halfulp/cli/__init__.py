"""The ``halfulp`` command: survey and cast weights, list formats, look at a number, make and check test vectors."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import halfulp as hu
from halfulp._usual import usual
from halfulp.cli import cast, check, formats, show, survey, vectors

COMMANDS = (survey, cast, formats, show, vectors, check)


class Parser(argparse.ArgumentParser):
    """argparse, with one-line complaints in the words of every other complaint."""

    def error(self, message: str) -> NoReturn:
        """Stop with exit code 2."""
        self.exit(2, f"halfulp: error: {message} (see '{self.prog} --help')\n")

    def _print_message(self, message: str, file: Any = None) -> None:
        """Unlike argparse, tell of a help that could not be written."""
        stream = sys.stderr if file is None else file
        stream.write(message)
        stream.flush()


class Version(argparse.Action):
    """--version; argparse's own asks for the version, which takes a while, before it is wanted."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        """Tell and stop."""
        print(f"halfulp {hu.__version__}", flush=True)
        parser.exit()


class Closed(io.TextIOBase):
    """Standard output where there is none: what is written is lost, which is said."""

    def write(self, text: str) -> int:
        """Refuse it."""
        raise ValueError("standard output is closed, and there was something to write to it")


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = Parser(
        prog="halfulp",
        description="What number formats do to numbers, bit for bit.",
        epilog="Start with 'halfulp survey', which needs no file.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=Version, nargs=0, help="show the version and exit")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=Parser)
    for command in COMMANDS:
        name = command.__name__.rpartition(".")[2]
        sub = commands.add_parser(
            name,
            help=command.HELP,
            description=command.DESCRIPTION,
            epilog=command.EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        command.add_arguments(sub)
        sub.set_defaults(run=command.run)
    return parser


@usual
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; exit code 0, 1 for a failed check, 2 for errors, 130 for Ctrl-C, 141 for a closed pipe."""
    words = list(sys.argv[1:] if argv is None else argv)
    _mend_streams()
    try:
        options = build_parser().parse_args(show.protect_negatives(words) or ["--help"])
        status: int | None = options.run(options)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has gone (``| head``). Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        return _fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except (ValueError, TypeError) as error:
        return _fail(str(error))
    return status or 0


def _mend_streams() -> None:
    """Streams that were closed are there again; names that a stream cannot encode are written escaped."""
    sys.stdout = sys.stdout or Closed()
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115 (for the rest of the process)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _fail(message: str) -> int:
    print(f"halfulp: error: {' '.join(message.split())}", file=sys.stderr)
    return 2
