#!/bin/sh
# Makes .venv with everything in the lock of the stack that this machine can have, and the project itself, editable.
#
#   sh bootstrap.sh             install what is missing; a second call finds its stamp and does nothing
#   sh bootstrap.sh --python    only say which interpreter would be taken, and for which stack
#
# Needs a package index and glibc: 2.38 or newer with CPython 3.12 or 3.13 has the modern stack, 2.31 or newer with
# CPython 3.10 the old one. Where no such Python is found, uv installs one. Your own pip settings (PIP_* and pip's
# configuration) hold; AISLE_PYTHON names an interpreter to use instead of the one found, AISLE_STACK (modern, old) the
# stack. Every file is checked against its hash.
set -eu
cd "$(dirname "$0")"

VENV=.venv
UV_VENV=build/uv
STAMP=$VENV/.aisle-stamp
# Without compiled modules every process would compile TensorFlow's thousands anew.
unset PYTHONDONTWRITEBYTECODE

say() { printf 'aisle: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

versions_of() { case $1 in modern) echo "3.13 3.12" ;; old) echo "3.10" ;; esac; }
glibc_of() { case $1 in modern) echo 38 ;; old) echo 31 ;; esac; }
lock_of() { echo "requirements-$1.lock"; }

glibc_minor() {
    # The 36 of "glibc 2.36"; 0 where the C library is another one.
    found=$(getconf GNU_LIBC_VERSION 2>/dev/null) || found=
    case $found in "glibc 2."*) echo "${found#glibc 2.}" ;; *) echo 0 ;; esac
}

stacks() {
    # Those that this machine's C library can load, the better one first.
    minor=$(glibc_minor)
    for stack in modern old; do
        [ -n "${AISLE_STACK:-}" ] && [ "$AISLE_STACK" != "$stack" ] && continue
        [ "$minor" -ge "$(glibc_of "$stack")" ] && echo "$stack"
    done
    return 0
}

version_of() {
    # "3.13" of an interpreter; nothing where it doesn't run or is no CPython.
    "$1" -c 'import sys
if sys.implementation.name == "cpython": print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true
}

fits() { # STACK INTERPRETER
    wanted=$(version_of "$2")
    for version in $(versions_of "$1"); do [ "$wanted" = "$version" ] && return 0; done
    return 1
}

stack_of() {
    # The stack of an interpreter, among those that the machine can have.
    for stack in $(stacks); do fits "$stack" "$1" && echo "$stack" && return; done
    return 0
}

pyenv_folders() {
    # The shim `python3.13` fails until PYENV_VERSION is set, so look among the versions themselves.
    for root in "${PYENV_ROOT:-}" "$(pyenv root 2>/dev/null || true)" "${HOME:-}/.pyenv"; do
        [ -n "$root" ] && [ -d "$root/versions" ] && printf '%s\n' "$root/versions"
    done
    return 0
}

find_python() { # STACK; looks on the PATH, among pyenv's versions, among uv's
    for version in $(versions_of "$1"); do
        for candidate in "python$version" python3 python; do
            [ "$(version_of "$candidate")" = "$version" ] && command -v "$candidate" && return
        done
        found=$(pyenv_folders | while IFS= read -r folder; do
            for candidate in "$folder/$version".*/bin/"python$version"; do
                if [ "$(version_of "$candidate")" = "$version" ]; then printf '%s\n' "$candidate"; break 2; fi
            done
        done)
        [ -n "$found" ] && printf '%s\n' "$found" && return
        if command -v uv >/dev/null 2>&1; then
            uv python find --no-project --no-python-downloads "$version" 2>/dev/null && return
        fi
    done
    return 0
}

no_venv() { # INTERPRETER
    die "$1 can't make virtual environments; install its venv module, for example with" \
        "'apt-get install python3-venv', and give the same command again"
}

can_make_venv() { "$1" -c 'import venv, ensurepip' >/dev/null 2>&1; } # INTERPRETER

make_venv() { # INTERPRETER FOLDER
    can_make_venv "$1" || no_venv "$1"
    rm -rf "$2"
    "$1" -m venv "$2" || no_venv "$1"
}

any_python() {
    # One that can hold uv, whatever its version.
    for candidate in python3 python; do
        [ -n "$(version_of "$candidate")" ] && command -v "$candidate" && return
    done
    return 0
}

a_uv() {
    # The uv on the PATH, else one installed from the package index, checked against its hash.
    command -v uv && return
    if [ ! -x "$UV_VENV/bin/uv" ]; then
        helper=$(any_python)
        [ -n "$helper" ] || return 0
        make_venv "$helper" "$UV_VENV"
        # The old lock's entry, which no marker keeps from a Python that is newer than both stacks.
        locked "$(lock_of old)" uv >"$UV_VENV/uv.txt"
        "$UV_VENV/bin/python" -m pip install --quiet --no-deps --require-hashes -r "$UV_VENV/uv.txt" >&2 || return 0
    fi
    printf '%s\n' "$PWD/$UV_VENV/bin/uv"
}

install_python() { # STACK; by uv
    uv=$(a_uv)
    [ -n "$uv" ] || return 0
    for version in $(versions_of "$1"); do
        say "installing CPython $version with uv"
        "$uv" python install --quiet --no-bin "$version" >&2 &&
            "$uv" python find --no-project --managed-python "$version" && return
    done
    return 0
}

choose() {
    # Sets `python` and `stack`.
    case ${AISLE_STACK:-} in '' | modern | old) ;; *) die "AISLE_STACK=$AISLE_STACK is no stack; it may be modern or old" ;; esac
    [ -n "$(stacks)" ] ||
        die "$(getconf GNU_LIBC_VERSION 2>/dev/null || echo 'no glibc') was found; ${AISLE_STACK:-aisle}" \
            "needs glibc 2.$(glibc_of "${AISLE_STACK:-old}") or newer: use a newer Linux, or a container (Dockerfile)"
    if [ -n "${AISLE_PYTHON:-}" ]; then
        python=$AISLE_PYTHON
        stack=$(stack_of "$python")
        [ -n "$stack" ] || die "AISLE_PYTHON=$AISLE_PYTHON is not CPython $(wanted_versions)"
        return
    fi
    for stack in $(stacks); do
        python=$(find_python "$stack")
        [ -z "$python" ] || return 0
    done
    for stack in $(stacks); do
        python=$(install_python "$stack") || exit 1
        [ -z "$python" ] || return 0
    done
    die "CPython $(wanted_versions) was not found (looked on the PATH, among pyenv's versions, and with uv);" \
        "install it, for example with 'apt-get install python3 python3-venv', 'pyenv install' or 'uv python install'," \
        "or set AISLE_PYTHON to it"
}

wanted_versions() {
    for stack in $(stacks); do versions_of "$stack"; done | tr ' ' '\n' | sed ':a;N;$!ba;s/\n/, /g;s/\(.*\), /\1 or /'
}

key() {
    # What an installation depends on: the locks, the package's own description, and where it lies.
    { cat requirements-*.lock pyproject.toml setup.py bootstrap.sh; pwd; echo "${AISLE_STACK:-}"; } | cksum | tr ' ' '-'
}

locked() { # LOCK PACKAGE; its entry: its pin and its hashes
    sed -n "/^$2==/,/[^\\\\]\$/p" "$1"
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
    locked "$lock" uv >"$pins"
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
        quoted "$VENV/bin/uv" pip sync --python "$VENV/bin/python" --require-hashes --compile-bytecode \
            --index-strategy unsafe-best-match "$lock"
    )
}

with_pip() {
    say "uv could not install the lock; trying pip (minutes)"
    quoted "$VENV/bin/python" -m pip install --no-deps --require-hashes -r "$lock"
}

last_error() {
    grep -i 'error' "$VENV/bootstrap.log" | tail -n 1 | sed 's/^[Ee][Rr][Rr][Oo][Rr]: *//'
}

install() {
    choose
    lock=$(lock_of "$stack")
    can_make_venv "$python" || no_venv "$python"
    say "setting up $VENV with $("$python" --version 2>&1) and the $stack stack, once (4 GB; two minutes or more)"
    make_venv "$python" "$VENV"
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
from aisle.schema import errors
from aisle.schema.bert import weights
try:
    weights.verify(weights.bert_folder())
except errors.InputError as error:
    sys.exit(f"aisle: {error}")' || exit 1
    key >"$STAMP"
    say "ready: $VENV/bin/aisle --help"
}

if [ "${1:-}" = --python ]; then
    choose
    printf '%s %s\n' "$stack" "$python"
    exit 0
fi
if [ -f "$STAMP" ] && [ "$(cat "$STAMP")" = "$(key)" ] && [ -n "$(version_of "$VENV/bin/python")" ]; then
    exit 0
fi
install
