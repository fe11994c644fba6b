"""``caseledger``: the command line (the contract is ``rules/operator.md`` 2 and 3).

Each command is declared in a module of ``api/cli/commands``, imported when it is asked
for, and what does its work when it is to be done (``api/cli/declared.py``), so that
help and usage errors come at once. Standard output is for scripts, standard error for
people and logs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

from api.cli.exit_codes import INTERRUPTED
from api.config_error import ConfigError
from ledger.errors import Damaged, LedgerError

_COMMANDS = {
    "migrate": ("server", "Create the schema or bring it up to date."),
    "serve": ("server", "Serve HTTP until told to stop."),
    "demo": ("demo", "Make a demo domain with a sample, and serve it."),
    "domain": ("domain", "Create and list domains (project spaces)."),
    "user": ("user", "Create, list and change users of a domain."),
    "group": ("group", "Create, list and change groups of users."),
    "location": ("location", "Create, list and change the places of a domain."),
    "location-type": ("location_type", "Create and list the levels of places."),
    "api-key": ("api_key", "Create, list and revoke API keys."),
    "submit": ("submit", "Append XForm files to the log."),
    "import": ("import_files", "Import spreadsheets of cases."),
    "replay": ("replay", "Rebuild the read tables from the log."),
    "verify": ("verify", "Prove the log and compare the read tables with it."),
    "signing-key": ("signing_key", "Make the key that signs checkpoints."),
    "checkpoint": ("checkpoint", "Write a signed file of what a log is."),
    "job": ("job", "List, show, run, cancel and retry jobs."),
    "error": ("error", "List and show forms in error, and try them again."),
    "undo": ("undo", "Take back what a form, a job or a user did."),
    "case": ("case", "Show a case, now or in the past, and its history."),
    "form": (
        "form",
        "Check forms; show one, archive or delete it, or undo that.",
    ),
    "export": ("export", "Write all cases or forms of a domain as a file."),
    "backup": ("backup", "Write everything that is kept to one file."),
    "restore": ("backup", "Load a backup into an empty database."),
    "webhook": ("webhook", "Tell other programs of new entries."),
}


class LazyGroup(click.Group):
    """A group whose commands live in modules that are imported on demand."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Return the names in the order of the table."""
        return list(_COMMANDS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        """Import and return a command."""
        if name not in _COMMANDS:
            return None
        module = import_module(f"api.cli.commands.{_COMMANDS[name][0]}")
        command: click.Command = getattr(module, name.replace("-", "_"))
        return command

    def format_commands(
        self, _ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        """Write the list of commands without importing one."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


def _tell_release(ctx: click.Context, _option: click.Parameter, wanted: object) -> None:
    if wanted and not ctx.resilient_parsing:
        release = import_module("api.release").release()
        click.echo(f"caseledger, version {release}")
        ctx.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--database",
    metavar="URL",
    help=(
        "sqlite:///FILE or postgresql://USER:PASSWORD@HOST:PORT/NAME.  "
        "[env: CASELEDGER_DATABASE; default: sqlite:///data/caseledger.db]"
    ),
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_tell_release,
    help="Show the version and exit.",
)
@click.pass_context
def caseledger(ctx: click.Context, database: str | None) -> None:
    """Keep cases as the sum of the forms that changed them.

    Exit codes: 0 done, 1 the work failed, 2 wrong usage, 130 stopped by Ctrl-C.
    """
    config = import_module("api.config").Config.from_env(os.environ)
    ctx.obj = config if database is None else config.with_options(database=database)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return the exit code; never a traceback."""
    try:
        code: Any = caseledger.main(
            args=None if argv is None else list(argv),
            prog_name="caseledger",
            standalone_mode=False,
        )
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort as error:
        _failed("interrupted")
        by_key = isinstance(error.__context__, KeyboardInterrupt)
        return INTERRUPTED if by_key else 1
    except ConfigError as error:
        _failed(str(error))
        return 2
    except (LedgerError, Damaged, OSError) as error:
        return _failed(str(error))
    except Exception as error:
        if "CASELEDGER_TRACEBACK" in os.environ:
            raise
        kind = type(error).__name__
        return _failed(f"{kind}: {error} (CASELEDGER_TRACEBACK=1 shows where)")
    return code if isinstance(code, int) else 0


def _failed(text: str) -> int:
    line = " ".join(text.split()).removeprefix("Error: ")
    sys.stderr.write(f"Error: {line}\n")
    return 1
