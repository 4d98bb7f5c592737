"""The command line. Every error that a person can cause is one message, with no traceback."""

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from ticketbench import __version__
from ticketbench.cli.author import check, new
from ticketbench.cli.browse import methods, schema, show, tasks
from ticketbench.cli.cite import cite
from ticketbench.cli.compare import compare
from ticketbench.cli.export import export
from ticketbench.cli.leaderboard import leaderboard
from ticketbench.cli.run import run
from ticketbench.cli.submit import submit
from ticketbench.cli.verify import verify
from ticketbench.errors import TicketbenchError

_FAULT = 70  # EX_SOFTWARE of sysexits.h
_UNREAD = 141  # 128 + SIGPIPE, as a shell has it


class _Escaped(Exception):
    """Caused by an error that click would take for another: a closed pipe for code 1, an early end for Ctrl-C."""


@contextmanager
def _told_apart() -> Iterator[None]:
    try:
        yield
        sys.stdout.flush()
    except KeyboardInterrupt as stopped:
        click.echo(err=True)  # what is said next stands below ^C
        raise click.Abort(*stopped.args) from None
    except (BrokenPipeError, EOFError) as error:
        raise _Escaped from error


class _Commands(click.Group):
    def make_context(self, *typed: Any, **extra: Any) -> click.Context:
        with _told_apart():  # where --help is answered
            return super().make_context(*typed, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        with _told_apart():
            return super().invoke(ctx)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="ticketbench")
def ticketbench() -> None:
    """A reproducibility benchmark suite and leaderboard for lottery tickets and neural-network pruning."""


for _command in (run, tasks, methods, show, schema, leaderboard, compare, new, check, submit, verify, cite, export):
    ticketbench.add_command(_command)


def main() -> None:
    """The entry point: run a command, say what went wrong in one message, and set the exit code."""
    try:
        sys.exit(ticketbench.main(prog_name="ticketbench", standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt) as stopped:
        click.echo(" ".join(["Stopped.", *map(str, stopped.args)]), err=True)
        sys.exit(130)
    except TicketbenchError as error:
        click.echo(f"ticketbench: {error}", err=True)
        sys.exit(error.exit_code)
    except Exception as error:
        # Never 1, which says that something regressed or parted.
        if isinstance(error.__cause__, BrokenPipeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(_UNREAD)
        traceback.print_exc()
        click.echo(
            "ticketbench: this is a fault of ticketbench itself; please report it with what stands above.", err=True
        )
        sys.exit(_FAULT)
