#!/bin/sh
# Builds the container image aisle:dev of the Dockerfile with docker, or podman where docker's daemon doesn't answer.
#
#   sh image.sh [ARGUMENT …]    what `docker build` and `podman build` take, for example --build-arg BASE=…
set -eu
cd "$(dirname "$0")"

if docker info >/dev/null 2>&1; then
    engine=docker
elif command -v podman >/dev/null; then
    engine=podman
else
    echo "aisle: an image is built by docker or podman; no docker daemon answers, and podman is not installed" >&2
    exit 1
fi
exec "$engine" build --tag aisle:dev "$@" .
