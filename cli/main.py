"""Entry point: the command tree, and the one place where an error becomes words and an exit code."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence

import click

from cli.context import Context, examples
from contracts.errors import BusyhourError


class Tree(click.Group):
    """Finds a command by its name in `cli/commands/`; imported when it is used, so that `--help` is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        from cli.commands import COMMANDS

        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        from cli.commands import command

        return command(name)


@click.command(
    cls=Tree,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog=examples("busyhour demo", "busyhour ingest sample_data/", "busyhour kpi show --entity trunk_group:TG2"),
)
@click.version_option(package_name="busyhour")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Telecom service assurance: CDR files in; what is wrong, since when, how badly, who feels it, who works on it out.

    Exit codes: 0 all of it worked; 1 something in your input could not be done; 2 the command line is wrong;
    3 a server, disk or right is missing; 4 a defect of ours.
    """
    ctx.obj = Context()


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command. Errors go to stderr as what, where and what to do next; never a traceback for a known error."""
    try:
        code = cli.main(args=list(arguments) if arguments is not None else None, standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("stopped", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except BusyhourError as error:
        click.echo(f"busyhour: {error.sentence()}", err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except Exception:  # noqa: BLE001 - the last place that can say whose fault it is
        traceback.print_exc()
        click.echo("busyhour: this is a defect of ours; please report it with the lines above", err=True)
        sys.exit(4)
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
