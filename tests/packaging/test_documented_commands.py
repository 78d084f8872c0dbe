"""Every command the documents show exists, and every command there is is shown by a document."""

from __future__ import annotations

import pathlib
import re
import shlex
import subprocess

import click
import pytest

from aisle.cli.main import COMMANDS, cli

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
DOCUMENTS = [
    REPOSITORY / name for name in ("README.md", "README.zh.md", "BUILD.md", "CONTRIBUTING.md")
] + sorted((REPOSITORY / "docs").glob("**/*.md"))
BLOCK = re.compile(r"^```(?:sh|bash|shell|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)
ASSIGNMENT = re.compile(r"[A-Z_][A-Z0-9_]*=.*")
ENDS = {"&&", "||", ";", "|", "&"}
REDIRECTIONS = {">", ">>", "<"}

DESIGNED = tuple(
    [
        "demo",
        "simulate",
        "import",
        "init",
        "run",
        "compile",
        "report",
        "schema",
        "serve",
        "gateway",
        "listen",
        "shop",
        "versions",
        "promote",
        "rollback",
        "search",
        "recommend",
        "similar",
        "rank",
        "forecast",
        "replenish",
        "reviews",
        "experiment",
        "ads",
        "bert",
        "doctor",
    ]
)
"""In the order that `aisle --help` lists them."""

OTHERS = set(
    [
        "cat",
        "cd",
        "cp",
        "curl",
        "docker",
        "export",
        "git",
        "gsutil",
        "kubectl",
        "ls",
        "mkdir",
        "mv",
        "pip",
        "pyenv",
        "rm",
        "tensorboard",
        "uv",
    ]
)
"""Programs that are not ours: shown, but not looked into."""


def _commands(text: str) -> list[list[str]]:
    """The simple commands of all shell blocks, without comments, prompts, assignments and redirections."""
    found: list[list[str]] = []
    for block in BLOCK.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            lexer = shlex.shlex(line.removeprefix("$ "), posix=True, punctuation_chars="&|;<>")
            lexer.whitespace_split = True
            words: list[str] = []
            tokens = iter(lexer)
            for token in tokens:
                if token in ENDS:
                    found.append(words)
                    words = []
                elif token in REDIRECTIONS:
                    next(tokens)
                elif words or not ASSIGNMENT.fullmatch(token):
                    words.append(token)
            found.append(words)
    return [words for words in found if words]


SHOWN = [
    pytest.param(words, id=f"{document.relative_to(REPOSITORY)}: {shlex.join(words)[:70]}")
    for document in DOCUMENTS
    if document.exists()
    for words in _commands(document.read_text(encoding="utf-8"))
]


def _parse(words: list[str]) -> None:
    """Parses an `aisle` command line as Click would, without running it."""
    try:
        if not words or words[0].startswith("-"):
            cli.make_context("aisle", list(words))
            return
        root = click.Context(cli, info_name="aisle")
        command: click.BaseCommand | None = cli.get_command(root, words[0])
        assert command is not None, f"aisle {words[0]} is no command"
        context, words = root, words[1:]
        while isinstance(command, click.Group) and words and not words[0].startswith("-"):
            context = click.Context(command, info_name=command.name, parent=context)
            command = command.get_command(context, words[0])
            assert command is not None, f"{words[0]} is no command of {context.command_path}"
            words = words[1:]
        command.make_context(command.name, list(words), parent=context)
    except click.exceptions.Exit:
        return  # --help or --version
    except click.UsageError as error:
        pytest.fail(f"aisle {shlex.join(words)}: {error.format_message()}")


def _make_targets() -> set[str]:
    return set(
        re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    )


@pytest.mark.parametrize("words", SHOWN)
def test_a_command_that_a_document_shows_exists(words: list[str]) -> None:
    program = pathlib.PurePosixPath(words[0]).name
    if program == "aisle":
        _parse(words[1:])
    elif program == "make":
        assert {word for word in words[1:] if "=" not in word} <= _make_targets()
    elif program in ("python", "sh", "bash"):
        scripts = [word for word in words[1:] if re.fullmatch(r"[\w./-]+\.(py|sh)", word)]
        assert all((REPOSITORY / script).is_file() for script in scripts), scripts
    elif "/" in words[0]:
        assert (REPOSITORY / words[0]).is_file() or words[0].startswith(".venv/bin/"), words[0]
    else:
        assert program in OTHERS, f"{program}: add it to OTHERS if it isn't ours"


def test_the_commands_are_those_of_the_design() -> None:
    assert tuple(COMMANDS) == DESIGNED


@pytest.mark.parametrize("name", DESIGNED)
def test_a_command_is_shown_by_a_document(name: str) -> None:
    shown = [param.values[0] for param in SHOWN]
    assert any(pathlib.PurePosixPath(words[0]).name == "aisle" and words[1:2] == [name] for words in shown)


def test_make_demo_is_the_demo() -> None:
    done = subprocess.run(
        ["make", "--dry-run", "--no-print-directory", "demo"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines()[-1] == ".venv/bin/aisle demo"


@pytest.mark.parametrize("name", DESIGNED)
def test_a_command_has_help(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert command.help, f"aisle {name} has no description"
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"aisle {name} {parameter.opts[0]} has no help"


def test_a_wrong_command_line_would_be_found() -> None:
    with pytest.raises(pytest.fail.Exception, match="no-such-option"):
        _parse(["doctor", "--no-such-option"])
    with pytest.raises(AssertionError, match="is no command"):
        _parse(["doctors"])


def test_commands_are_read_out_of_shell_blocks_alone() -> None:
    text = "```sh\nA=1 aisle run shop \\\n  --out o > log && make test # why\n```\n```python\naisle.x\n```\n"
    assert _commands(text) == [["aisle", "run", "shop", "--out", "o"], ["make", "test"]]
