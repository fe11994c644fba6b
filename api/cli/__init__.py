"""``caseledger``: the command line (the contract is ``rules/operator.md`` 2 and 3).

A subcommand parses its arguments, calls what does the work, and prints. Each group is
a module of its own that is imported when it is asked for, so that ``--help`` answers
at once. Standard output is for scripts, standard error for people and logs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

from api.cli.ctrl_c import INTERRUPTED
from api.config import Config, ConfigError
from api.release import release
from ledger.errors import Damaged, LedgerError

_COMMANDS = {
    "migrate": ("api.cli.server", "Create the schema or bring it up to date."),
    "serve": ("api.cli.server", "Serve HTTP until told to stop."),
    "demo": ("api.cli.demo", "Make a demo domain with a sample, and serve it."),
    "domain": ("api.cli.domain", "Create and list domains (project spaces)."),
    "user": ("api.cli.user", "Create, list and change users of a domain."),
    "group": ("api.cli.group", "Create, list and change groups of users."),
    "location": ("api.cli.location", "Create, list and change the places of a domain."),
    "location-type": ("api.cli.location_type", "Create and list the levels of places."),
    "api-key": ("api.cli.api_key", "Create, list and revoke API keys."),
    "submit": ("api.cli.submit", "Append XForm files to the log."),
    "import": ("api.cli.import_files", "Import spreadsheets of cases."),
    "replay": ("api.cli.replay", "Rebuild the read tables from the log."),
    "verify": ("api.cli.verify", "Prove the log and compare the read tables with it."),
    "signing-key": ("api.cli.signing_key", "Make the key that signs checkpoints."),
    "checkpoint": ("api.cli.checkpoint", "Write a signed file of what a log is."),
    "job": ("api.cli.job", "List, show, run, cancel and retry jobs."),
    "error": ("api.cli.error", "List and show forms in error, and try them again."),
    "undo": ("api.cli.undo", "Take back what a form, a job or a user did."),
    "case": ("api.cli.case", "Show a case, now or in the past, and its history."),
    "form": (
        "api.cli.form",
        "Check forms; show one, archive or delete it, or undo that.",
    ),
    "export": ("api.cli.export", "Write all cases or forms of a domain as a file."),
    "backup": ("api.cli.backup", "Write everything that is kept to one file."),
    "restore": ("api.cli.backup", "Load a backup into an empty database."),
    "webhook": ("api.cli.webhook", "Tell other programs of new entries."),
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
        module = import_module(_COMMANDS[name][0])
        command: click.Command = getattr(module, name.replace("-", "_"))
        return command

    def format_commands(
        self, _ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        """Write the list of commands without importing one."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--database",
    metavar="URL",
    help=(
        "sqlite:///FILE or postgresql://USER:PASSWORD@HOST:PORT/NAME.  "
        "[env: CASELEDGER_DATABASE; default: sqlite:///data/caseledger.db]"
    ),
)
@click.version_option(version=release(), prog_name="caseledger")
@click.pass_context
def caseledger(ctx: click.Context, database: str | None) -> None:
    """Keep cases as the sum of the forms that changed them.

    Exit codes: 0 done, 1 the work failed, 2 wrong usage, 130 stopped by Ctrl-C.
    """
    config = Config.from_env(os.environ)
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
