#!/bin/sh
# Writes gateway_pb2.py and gateway_pb2.pyi from gateway.proto, by the same compiler as ../../serving/wire/generate.sh.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
exec sh "$here/../../serving/wire/generate.sh" aisle/gateway/rpc "$here" gateway
