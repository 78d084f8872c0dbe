#!/bin/sh
# Writes NAME_pb2.py and NAME_pb2.pyi from NAME.proto, for protobuf 3.20 and newer: generate.sh [PATH FOLDER NAME], where PATH
# is the package's; of messages.proto beside this without.
# grpcio-tools 1.49.1 is the newest whose output protobuf 3.20 reads; it is needed for this alone, and
# its own protobuf would clash with TFX's, so it runs in an environment of its own. PROTOC may name
# another command.
set -eu
path=${1:-aisle/serving/wire} name=${3:-messages}
here=${2:-$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
: "${PROTOC:=uvx --python 3.10 --from grpcio-tools==1.49.1 --with setuptools<70 python -m grpc_tools.protoc}"
# Word splitting is meant: PROTOC is a command with its arguments.
# shellcheck disable=SC2086
$PROTOC -I"$path=$here" --python_out="$out" --pyi_out="$out" "$path/$name.proto"
for suffix in py pyi; do
  {
    # Generated code keeps to no style of ours.
    printf '# ruff: noqa\n# fmt: off\n# mypy: ignore-errors\n'
    cat "$out/$path/${name}_pb2.$suffix"
  } >"$here/${name}_pb2.$suffix"
done
