"""RecTools' SASRec on sequences, in an environment of its own: `beauty.py --peer` makes that, and starts this file in it.

    python benchmarks/recommendation/sasrec.py SEQUENCES.npz RANKS.npy [--epochs 30]

Nothing of aisle is imported here. The model is SASRec (Kang and McAuley 2018) with a sampled softmax over 256 negatives, of RecTools'
own implementation and the sizes that eSASRec's authors publish for it, as far as a CPU trains them: two blocks, 128 factors, 50
items of a history.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import subprocess
import sys
from typing import Any

import numpy as np
import numpy.typing as npt

PACKAGES = ("rectools[torch]==0.19.0", "numpy<2", "setuptools<80", "torch==1.12.1; python_version < '3.11'")
"""The last PyTorch on PyPI that comes without gigabytes of CUDA's packages beside it; newer Pythons have no choice."""
ENVIRONMENT = pathlib.Path(__file__).resolve().parents[2] / "build" / "rectools"


def main() -> None:
    """Trains, asks for every user, and writes the place of each user's last item."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sequences", type=pathlib.Path)
    parser.add_argument("ranks", type=pathlib.Path)
    parser.add_argument("--epochs", type=int, default=30)
    told = parser.parse_args()
    given = np.load(told.sequences)
    np.save(
        told.ranks, ranks(given["items"], given["lengths"], given["fitted"], int(given["k"]), told.epochs)
    )


def ranks(
    items: npt.NDArray[np.int64],
    lengths: npt.NDArray[np.int64],
    fitted: npt.NDArray[np.int64],
    k: int,
    epochs: int,
) -> npt.NDArray[np.int64]:
    """The place of each user's last item among the k answered, k where it isn't there.

    Args:
        items: of all users one after the other, oldest first.
        lengths: how many of them each user has, [users].
        fitted: how many of the first of each may be learnt from, [users].
        k: answers.
        epochs: of the training.
    """
    users = np.repeat(np.arange(len(lengths)), lengths)
    place = np.concatenate([np.arange(length) for length in lengths])
    known = place < (lengths - 1)[users]
    model = _model(epochs)
    model.fit(_dataset(users, items, place, place < fitted[users]))
    target = items[np.cumsum(lengths) - 1]
    # What nobody fitted had can't be answered, and whose history holds nothing else can't ask.
    learnt = np.unique(items[place < fitted[users]])
    asking = np.unique(users[known & np.isin(items, learnt)])
    answers = model.recommend(asking, _dataset(users, items, place, known), k=k, filter_viewed=True)
    found = answers[answers["item_id"].to_numpy() == target[answers["user_id"].to_numpy()]]
    best = np.full(len(lengths), k)
    best[found["user_id"].to_numpy()] = found["rank"].to_numpy() - 1
    return best


def _model(epochs: int) -> Any:
    import torch
    from rectools.models import SASRecModel

    torch.manual_seed(1)
    return SASRecModel(
        n_blocks=2, n_heads=2, n_factors=128, session_max_len=50, dropout_rate=0.2, batch_size=128, lr=1e-3,
        loss="sampled_softmax", n_negatives=256, epochs=epochs, deterministic=True, verbose=0,
        recommend_torch_device="cpu",
    )  # fmt: skip


def _dataset(users: Any, items: Any, place: Any, which: Any) -> Any:
    """The interactions that are known, a day apart."""
    import pandas as pd
    from rectools.dataset import Dataset

    days = pd.Timestamp("2020-01-01") + pd.to_timedelta(place[which], unit="D")
    table = {"user_id": users[which], "item_id": items[which], "weight": 1.0, "datetime": days}
    return Dataset.construct(pd.DataFrame(table))


def asked(
    taken: list[npt.NDArray[np.int64]], fitted: list[int], k: int, scratch: pathlib.Path, epochs: int
) -> npt.NDArray[np.int64] | None:
    """The ranks by a process of the environment, which is made where there is none; None where it can't be, with the reason.

    Args:
        taken: an array of item indices for each user, oldest first.
        fitted: how many of the first of each may be learnt from.
        k: answers.
        scratch: a folder.
        epochs: of the training.
    """
    python = ENVIRONMENT / "bin" / "python"
    try:
        if not python.exists():
            _run("venv", "--quiet", "--python", sys.executable, str(ENVIRONMENT))
        _run("pip", "install", "--quiet", "--python", str(python), *PACKAGES)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"no RecTools: its environment was not made ({error})", file=sys.stderr)
        return None
    told, found = scratch / "sequences.npz", scratch / "ranks.npy"
    np.savez(told, items=np.concatenate(taken), lengths=[len(one) for one in taken], fitted=fitted, k=k)
    own = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    script = str(pathlib.Path(__file__).resolve())
    words = [str(python), script, str(told), str(found), "--epochs", str(epochs)]
    # Its trainer leaves logs where it is started.
    subprocess.run(words, check=True, stdout=sys.stderr, env=own, cwd=scratch)
    ranks: npt.NDArray[np.int64] = np.load(found)
    return ranks


def _run(*words: str) -> None:
    """Calls uv, which lies beside this Python."""
    subprocess.run([str(pathlib.Path(sys.executable).parent / "uv"), *words], check=True, stdout=sys.stderr)


if __name__ == "__main__":
    main()
