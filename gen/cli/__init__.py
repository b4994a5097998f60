"""The command line. `main` is the one error boundary: it alone catches `GenError`, sets globals and exits."""

import os
import signal
import sys
from types import FrameType
from typing import NoReturn

# Read by libraries when they load. numpy's products stay on one thread: rows of a few hundred numbers are too short to
# share. torch's threads sleep soon when they wait for one another: where another program wants a processor too,
# spinning made training ten times slower (benchmarks/LOG.md).
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("GOMP_SPINCOUNT", "2000")


class _Terminated(BaseException):
    """A signal that ends the program came: SIGTERM, or SIGHUP when the terminal is closed."""


def _on_terminate(number: int, _frame: FrameType | None) -> NoReturn:
    raise _Terminated(128 + number)


def main(arguments: list[str] | None = None) -> None:
    """Run one command and exit: 0 ok, 1 failure, 2 usage, 3 bad input, 4 integrity, 129, 130, 141 or 143."""
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):  # Windows has no SIGHUP
            signal.signal(getattr(signal, name), _on_terminate)
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: list[str]) -> int:
    """Run one command; return its exit code. Anything but these exceptions is a bug of ours and shows its traceback."""
    from typer import Abort
    from typer.exceptions import TyperException

    from gen.cli.app import app_for
    from gen.cli.terminal import OutputClosed, complain
    from gen.errors import GenError

    try:
        code = app_for(arguments)(args=arguments, prog_name="gen", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except GenError as error:
        complain(str(error))
        return error.exit_code
    except TyperException as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context is not None else "gen"
        complain(f"{error.format_message().rstrip('.')} (see '{command} --help')")
        return 2
    except OutputClosed:
        return 141
    except _Terminated as terminated:
        return int(terminated.args[0])
    except (KeyboardInterrupt, Abort):
        return 130
