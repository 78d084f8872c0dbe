#!/bin/sh
# Makes .venv with everything in requirements.lock and the project itself, editable.
#
#   sh bootstrap.sh        install what is missing; a second call finds its stamp and does nothing
#
# Needs CPython 3.10 and a package index. Your own pip settings (PIP_* and pip's configuration) hold;
# AISLE_PYTHON names an interpreter to use instead of the one found. Every file is checked against its hash.
set -eu
cd "$(dirname "$0")"

VENV=.venv
LOCK=requirements.lock
STAMP=$VENV/.aisle-stamp

say() { printf 'aisle: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

is_310() {
    "$1" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 10) or sys.implementation.name != "cpython")' \
        >/dev/null 2>&1
}

pyenv_folders() {
    # The shim `python3.10` fails until PYENV_VERSION is set, so look among the versions themselves.
    for root in "${PYENV_ROOT:-}" "$(pyenv root 2>/dev/null || true)" "${HOME:-}/.pyenv"; do
        [ -n "$root" ] && [ -d "$root/versions" ] && printf '%s\n' "$root/versions"
    done
    return 0
}

uv_python() {
    command -v uv >/dev/null 2>&1 || return 0
    uv python find --no-project 3.10 2>/dev/null && return 0
    say "installing CPython 3.10 with uv"
    uv python install --quiet 3.10 >&2 2>/dev/null && uv python find --no-project 3.10 2>/dev/null
    return 0
}

find_python() {
    if [ -n "${AISLE_PYTHON:-}" ]; then
        is_310 "$AISLE_PYTHON" || die "AISLE_PYTHON=$AISLE_PYTHON is not CPython 3.10"
        printf '%s\n' "$AISLE_PYTHON"
        return
    fi
    for candidate in python3.10 python3 python; do
        if is_310 "$candidate"; then command -v "$candidate"; return; fi
    done
    found=$(pyenv_folders | while IFS= read -r folder; do
        for candidate in "$folder"/3.10*/bin/python3.10; do
            if is_310 "$candidate"; then printf '%s\n' "$candidate"; break 2; fi
        done
    done)
    [ -n "$found" ] || found=$(uv_python)
    [ -n "$found" ] && is_310 "$found" && printf '%s\n' "$found" && return
    die "CPython 3.10 was not found (looked on the PATH, among pyenv's versions, and with uv); install it," \
        "for example with 'pyenv install 3.10' or 'uv python install 3.10', or set AISLE_PYTHON to it"
}

key() {
    # What an installation depends on: the lock, the package's own description, and where it lies.
    { cat "$LOCK" pyproject.toml setup.py bootstrap.sh; pwd; } | cksum | tr ' ' '-'
}

locked() {
    # The lock's entry for one package: its pin and its hashes.
    sed -n "/^$1==/,/[^\\\\]\$/p" "$LOCK"
}

pip_setting() {
    # A setting of pip's, from its environment variable or its configuration; empty where there is none.
    value=$(eval "printf '%s' \"\${PIP_$1:-}\"")
    name=$(printf '%s' "$1" | tr 'A-Z_' 'a-z-')
    [ -n "$value" ] || value=$("$VENV/bin/python" -m pip config get "install.$name" 2>/dev/null) ||
        value=$("$VENV/bin/python" -m pip config get "global.$name" 2>/dev/null) || value=
    # pip divides lists by any white space, newlines included.
    printf '%s' "$value" | tr '\n' ' '
}

as_uv_setting() {
    # uv reads none of pip's settings: hand it $2 as $1, unless the user has set $1 for uv itself.
    eval "[ -n \"\${$1:-}\" ]" && return
    value=$(pip_setting "$2")
    if [ -n "$value" ]; then eval "$1=\$value; export $1"; fi
}

quoted() {
    # Runs a command with its output kept in a log, which a failure names.
    "$@" >>"$VENV/bootstrap.log" 2>&1
}

with_uv() {
    pins=$VENV/uv.txt
    locked uv >"$pins"
    [ -s "$pins" ] || return 1
    quoted "$VENV/bin/python" -m pip install --quiet --no-deps --require-hashes -r "$pins" || return 1
    # In a subshell, so that what is exported for uv does not reach pip.
    (
        as_uv_setting UV_DEFAULT_INDEX INDEX_URL
        as_uv_setting UV_INDEX EXTRA_INDEX_URL
        as_uv_setting SSL_CERT_FILE CERT
        [ "$(pip_setting NO_INDEX)" = "" ] || export UV_NO_INDEX=1
        find_links=$(pip_setting FIND_LINKS | tr ' ' ',')
        if [ -n "$find_links" ] && [ -z "${UV_FIND_LINKS:-}" ]; then export UV_FIND_LINKS="$find_links"; fi
        # All the indexes hold the same files, by their hashes, so a package may come from any of them.
        quoted "$VENV/bin/uv" pip sync --python "$VENV/bin/python" --require-hashes \
            --index-strategy unsafe-best-match "$LOCK"
    )
}

with_pip() {
    say "uv could not install the lock; trying pip (minutes)"
    quoted "$VENV/bin/python" -m pip install --no-deps --require-hashes -r "$LOCK"
}

last_error() {
    grep -i 'error' "$VENV/bootstrap.log" | tail -n 1 | sed 's/^[Ee][Rr][Rr][Oo][Rr]: *//'
}

install() {
    python=$(find_python)
    say "setting up $VENV with $("$python" --version 2>&1), once (3 GB; a minute or more)"
    rm -rf "$VENV"
    "$python" -m venv "$VENV" || die "could not make $VENV with $python; is its venv module there (python3.10-venv)?"
    : >"$VENV/bootstrap.log"
    with_uv || with_pip || {
        die "the packages could not be installed ($(last_error)); is a package index reachable?" \
            "all of it: $VENV/bootstrap.log"
    }
    "$VENV/bin/python" -m pip --version >/dev/null 2>&1 || quoted "$VENV/bin/python" -m ensurepip
    quoted "$VENV/bin/python" -m pip install --quiet --no-deps --no-index --no-build-isolation --editable . || {
        die "the project itself could not be installed ($(last_error)); all of it: $VENV/bootstrap.log"
    }
    "$VENV/bin/python" -c '
import sys
from aisle.schema import errors, weights
try:
    weights.verify(weights.bert_folder())
except errors.InputError as error:
    sys.exit(f"aisle: {error}")' || exit 1
    key >"$STAMP"
    say "ready: $VENV/bin/aisle --help"
}

if [ -f "$STAMP" ] && [ "$(cat "$STAMP")" = "$(key)" ] && is_310 "$VENV/bin/python"; then
    exit 0
fi
install
