"""`aisle doctor`: is this machine, and this installation, fit to run the pipeline?"""

from __future__ import annotations

import enum
import importlib.metadata
import os
import pathlib
import platform
import shutil
import socket
import sys
from typing import NamedTuple

import click

from aisle.cli.quiet import quieten_tensorflow
from aisle.cli.run import CONFIG
from aisle.schema.bert import weights
from aisle.schema.errors import InputError
from aisle.schema.stacks import OLD, pythons, stack_of

EXTRAS = ("", "server", "pipeline")
"""Of aisle's own requirements, those of a whole installation."""
DISK_GIB = (2.0, 10.0)
MEMORY_GIB = (4.0, 8.0)
"""Below the first a run is likely to fail, below the second large tables may not fit."""
CORES = 2
PORT = 8500
GIB = 1 << 30


class Verdict(enum.Enum):
    """How a check came out, and the colour it is shown in."""

    OK = "green"
    WARN = "yellow"
    FAIL = "bold red"


class Check(NamedTuple):
    """One thing looked at: its name, the verdict, what was found, and how to mend it ("" for OK)."""

    name: str
    verdict: Verdict
    found: str
    mend: str = ""


@click.command()
@click.argument("shop", required=False, type=click.Path())
@click.option("--out", default=".", show_default=True, type=click.Path(), help="Folder a run would write to.")
@CONFIG
def doctor(shop: str | None, out: str, config_file: str | None) -> None:
    """Check the machine and the installation; say what is wrong and how to mend it.

    With the folder SHOP of a shop's tables, also whether the BERT can read its titles; --config says how the tables
    are read, as for `aisle run`.
    """
    checks = [python_version(sys.version_info[:2]), glibc_version(platform.libc_ver())]
    if client_alone():
        checks.append(
            Check(
                "packages",
                Verdict.WARN,
                "the client alone",
                "pip install 'aisle[pipeline]', to run pipelines",
            )
        )
    else:
        checks += _of_the_pipeline(out)
        checks += [titles_read(shop, config_file)] if shop else []
    _show(checks)
    failed = sum(check.verdict is Verdict.FAIL for check in checks)
    if failed:
        sys.exit(1)


def _of_the_pipeline(out: str) -> list[Check]:
    return [
        packages(),
        bert_weights(),
        multilingual(),
        legacy_keras(os.environ.get("TF_USE_LEGACY_KERAS")),
        disk(_free_disk(out)),
        memory(_available_memory()),
        cores(len(os.sched_getaffinity(0))),
        port(PORT),
    ]


def python_version(version: tuple[int, ...]) -> Check:
    """Python must be a version that one of the stacks has wheels for."""
    found = ".".join(str(number) for number in version)
    stack = stack_of(version)
    if stack is not None:
        return Check("Python", Verdict.OK, f"{found}, {stack}")
    return Check("Python", Verdict.FAIL, found, f"use CPython {pythons()}; TFX has no wheels for others")


def glibc_version(libc: tuple[str, str], version: tuple[int, ...] = sys.version_info[:2]) -> Check:
    """The C library must be glibc, new enough for the wheels of the stack of a version of Python."""
    name, found = libc
    numbers = tuple(int(number) for number in found.split(".") if number.isdigit())
    stack = stack_of(version) or OLD
    if name == "glibc" and numbers >= stack.glibc:
        return Check("C library", Verdict.OK, f"glibc {found}")
    mend = f"use Linux with glibc {stack.glibc[0]}.{stack.glibc[1]} or newer for {stack}"
    if name == "glibc" and numbers >= OLD.glibc:
        mend += ", or take the old one: AISLE_STACK=old make setup"
    return Check("C library", Verdict.FAIL, f"{name or 'unknown'} {found}".strip(), mend)


def client_alone() -> bool:
    """Whether `aisle` was installed without what runs pipelines and serves models."""
    for package in ("tfx", "tensorflow"):
        try:
            importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
        return False
    return True


def packages() -> Check:
    """What is installed must be what `aisle` asks for; read from the metadata, nothing is imported."""
    from packaging.requirements import Requirement

    try:
        wanted = [Requirement(line) for line in importlib.metadata.requires("aisle") or ()]
    except importlib.metadata.PackageNotFoundError:
        return Check(
            "packages", Verdict.FAIL, "aisle is not installed", "make setup, or pip install its wheel"
        )
    wanted = [
        need
        for need in wanted
        if need.name != "aisle"
        if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in EXTRAS)
    ]
    wrong = [text for need in wanted if (text := _mismatch(need.name, str(need.specifier)))]
    if not wrong:
        return Check("packages", Verdict.OK, f"all {len(wanted)} as pinned")
    shown = "; ".join(wrong[:3]) + (f"; and {len(wrong) - 3} more" if len(wrong) > 3 else "")
    return Check("packages", Verdict.FAIL, shown, "install the lock anew: make clean setup")


def _mismatch(name: str, specifier: str) -> str:
    """What is wrong with one installed package; "" when nothing is."""
    from packaging.specifiers import SpecifierSet

    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return f"{name}{specifier} is missing"
    return (
        ""
        if SpecifierSet(specifier).contains(version, prereleases=True)
        else f"{name} {version}, not {specifier}"
    )


def bert_weights() -> Check:
    """The pretrained BERT must be there; the installed one must be unchanged."""
    try:
        folder = weights.bert_folder()
        if os.environ.get(weights.BERT_VARIABLE):
            return Check(
                "BERT weights", Verdict.OK, f"{folder} (yours, by {weights.BERT_VARIABLE}; not pinned)"
            )
        weights.verify(folder)
    except InputError as error:
        found, _, mend = str(error).rpartition("; ")
        return Check("BERT weights", Verdict.FAIL, found, mend)
    return Check("BERT weights", Verdict.OK, "all-MiniLM-L6-v2, hash as pinned")


def multilingual() -> Check:
    """The BERT of many languages need not be there; it is used for shops that the English one can't read."""
    from aisle.model.text.packed_e5 import INSTALL, packed_file

    try:
        packed_file()
    except InputError:
        return Check("multilingual BERT", Verdict.OK, f"not installed; for other languages: {INSTALL}")
    return Check("multilingual BERT", Verdict.OK, "multilingual-e5-small")


def titles_read(shop: str, config_file: str | None = None) -> Check:
    """The BERT must know what most of a shop's titles are made of."""
    quieten_tensorflow()
    from aisle.components.anomaly_gate.options import GateOptions
    from aisle.components.example_gen.shop_texts import shop_titles
    from aisle.model.text.bert import Tokenizer
    from aisle.model.text.unread import unread_share
    from aisle.pipeline.config import load_config

    try:
        titles = shop_titles(shop, load_config(config_file, ()).readings())
        unread = unread_share(Tokenizer(weights.bert_folder()), titles)
    except InputError as error:
        return Check("titles", Verdict.FAIL, str(error), "mend the table, or the BERT")
    found = f"{unread:.1%} of their word pieces say nothing to the BERT"
    if unread <= GateOptions().max_unread_share:
        return Check("titles", Verdict.OK, found)
    return Check("titles", Verdict.WARN, found, _mend_unread())


def _mend_unread() -> str:
    from aisle.model.text.packed_e5 import INSTALL, packed_file

    try:
        packed_file()
    except InputError:
        return f"{INSTALL}; a run then reads them with a multilingual BERT"
    return "none needed: a run reads them with the multilingual BERT that is installed"


def legacy_keras(value: str | None) -> Check:
    """Set to anything but 1, the variable would force Keras 3 on the stack; unset, `aisle` sets it."""
    if value in (None, "1"):
        return Check("TF_USE_LEGACY_KERAS", Verdict.OK, "1" if value else "unset; aisle sets it to 1 itself")
    return Check(
        "TF_USE_LEGACY_KERAS", Verdict.FAIL, repr(value), "unset TF_USE_LEGACY_KERAS, or set it to 1"
    )


def disk(free_gib: float) -> Check:
    """A run writes artifacts and models of a few GB."""
    mend = "free some space, or write elsewhere by --out"
    return _at_least("free disk", free_gib, DISK_GIB, mend)


def memory(available_gib: float) -> Check:
    """TensorFlow, Beam in memory and the tables share it."""
    return _at_least("free memory", available_gib, MEMORY_GIB, "end other programs, or use a larger machine")


def _at_least(name: str, gib: float, limits: tuple[float, float], mend: str) -> Check:
    fail, warn = limits
    verdict = Verdict.FAIL if gib < fail else Verdict.WARN if gib < warn else Verdict.OK
    return Check(
        name, verdict, f"{gib:.1f} GiB", "" if verdict is Verdict.OK else f"{mend} ({warn:g} GiB wanted)"
    )


def cores(count: int) -> Check:
    """Training and serving use every core there is."""
    verdict = Verdict.OK if count >= CORES else Verdict.WARN
    return Check(
        "cores", verdict, str(count), "" if verdict is Verdict.OK else "works, but slowly; 2 or more wanted"
    )


def port(number: int) -> Check:
    """`aisle serve` listens here unless told otherwise."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", number))
        except OSError as error:
            mend = "a server may be running already; else: aisle serve --port N"
            return Check(f"port {number}", Verdict.WARN, error.strerror or str(error), mend)
    return Check(f"port {number}", Verdict.OK, "free")


def _free_disk(out: str) -> float:
    """In GiB, of the folder or the nearest one above it that exists."""
    folder = pathlib.Path(out).absolute()
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free / GIB


def _available_memory() -> float:
    """In GiB; a container's limit counts where there is one."""
    import psutil

    available = psutil.virtual_memory().available
    limit = pathlib.Path("/sys/fs/cgroup/memory.max")
    used = pathlib.Path("/sys/fs/cgroup/memory.current")
    if limit.is_file() and used.is_file() and (text := limit.read_text().strip()) != "max":
        available = min(available, int(text) - int(used.read_text()))
    return available / GIB


def _show(checks: list[Check]) -> None:
    """Prints a table; one line per check where stdout is not a terminal."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    if not console.is_terminal:
        for check in checks:
            line = f"{check.verdict.name.lower()}: {check.name}: {check.found}"
            click.echo(f"{line}; to mend: {check.mend}" if check.mend else line)
        return
    table = Table("", "check", "found", "to mend", box=None, pad_edge=False)
    for check in checks:
        verdict = Text(check.verdict.name.lower(), style=check.verdict.value)
        table.add_row(verdict, Text(check.name), Text(check.found), Text(check.mend))
    console.print(table)
