"""`aisle gateway` whose clock is as far off as a file says at the moment, in seconds.

python -m benchmarks.ads.clocked_gateway FILE gateway --target …
"""

from __future__ import annotations

import datetime
import pathlib
import sys

from aisle.gateway import recording


def main() -> None:
    """Runs the command behind the file's name."""
    path, real = pathlib.Path(sys.argv.pop(1)), recording.utc_now

    def off() -> datetime.datetime:
        return real() + datetime.timedelta(seconds=float(path.read_text(encoding="utf-8")))

    # Before anything else takes the clock from there.
    setattr(recording, "utc_now", off)  # noqa: B010  a module's function isn't to be assigned, says mypy
    from aisle.cli.main import main as aisle

    aisle()


if __name__ == "__main__":
    main()
