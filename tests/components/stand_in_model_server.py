"""Stands for `tensorflow_model_server`, which no package brings: its command line, our embedded server behind it.

As the binary, it takes flags as `--name=value`, refuses those it doesn't know, tells all on stderr, and ends where
the model does not load.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import sys

from aisle.schema.errors import AisleError
from aisle.serving.server.server import ServerOptions, serve


def main() -> None:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--rest_api_port", type=int, default=0)
    parser.add_argument("--model_name", default="default")
    parser.add_argument("--model_base_path", required=True)
    parser.add_argument("--enable_model_warmup", choices=["true", "false"], default="true")
    parser.add_argument("--max_num_load_retries", type=int, default=5)
    flags = parser.parse_args()
    # Beside the executable, for the test to see who ran, and with what.
    told = f"{os.getpid()} {flags.model_name} {flags.rest_api_port} {flags.max_num_load_retries}"
    pathlib.Path(sys.argv[0]).with_suffix(".ran").write_text(told)
    try:
        serve(
            flags.model_base_path, ServerOptions(port=flags.port), lambda _: print("Running", file=sys.stderr)
        )
    except AisleError as error:
        sys.exit(f"Failed to start server. Error: {error}")


if __name__ == "__main__":
    main()
