#!/bin/sh
# Makes FOLDER/venv of this interpreter's lock and of the wheel, and nothing else: what a step's container has.
#
#   sh tests/kubeflow/install.sh [FOLDER]
set -eu
cd "$(dirname "$0")/../.."

FOLDER=${1:-build/kubeflow}
BIN=.venv/bin
version=$("$BIN/python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
case $version in 3.10) lock=requirements-old.lock ;; *) lock=requirements-modern.lock ;; esac

interpreter=$("$BIN/python" -c 'import os, sys; print(os.path.realpath(sys.executable))')
[ -x "$FOLDER/venv/bin/python" ] || "$BIN/uv" venv --quiet --python "$interpreter" "$FOLDER/venv"
"$BIN/uv" pip sync --quiet --python "$FOLDER/venv/bin/python" --require-hashes "$lock"
rm -rf build/lib build/bdist.* "$FOLDER/dist"
"$BIN/python" -m build --wheel --no-isolation --outdir "$FOLDER/dist" . >"$FOLDER/wheel.log" 2>&1
"$BIN/uv" pip install --quiet --no-deps --no-index --python "$FOLDER/venv/bin/python" "$FOLDER"/dist/aisle-*.whl
