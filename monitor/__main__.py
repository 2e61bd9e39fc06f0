"""The program ``driftline``."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command that the arguments name, and return its exit code."""
    try:
        from monitor.cli.program import run

        return run(sys.argv[1:])
    except KeyboardInterrupt:  # while the program itself was loading
        return 130


if __name__ == "__main__":
    sys.exit(main())
