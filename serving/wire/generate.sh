#!/bin/sh
# Writes messages_pb2.py and messages_pb2.pyi from messages.proto, for protobuf 3.20 and newer.
# grpcio-tools 1.49.1 is the newest whose output protobuf 3.20 reads; it is needed for this alone, and
# its own protobuf would clash with TFX's, so it runs in an environment of its own. PROTOC may name
# another command.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
: "${PROTOC:=uvx --python 3.10 --from grpcio-tools==1.49.1 --with setuptools<70 python -m grpc_tools.protoc}"
# Word splitting is meant: PROTOC is a command with its arguments.
# shellcheck disable=SC2086
$PROTOC -Iaisle/serving/wire="$here" \
  --python_out="$out" --pyi_out="$out" aisle/serving/wire/messages.proto
for suffix in py pyi; do
  {
    # Generated code keeps to no style of ours.
    printf '# ruff: noqa\n# fmt: off\n# mypy: ignore-errors\n'
    cat "$out/aisle/serving/wire/messages_pb2.$suffix"
  } >"$here/messages_pb2.$suffix"
done
