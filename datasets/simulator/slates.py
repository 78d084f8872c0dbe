"""What a simulated shop shows on each page: its search engine and its home page."""

from __future__ import annotations

import dataclasses

import numpy as np

from aisle.datasets.simulator.catalogue import Catalogue, Floats, Ints
from aisle.datasets.simulator.relevance import grades
from aisle.datasets.simulator.visits import Pages

PAGE_SIZE = 8
"""Items on a page, at positions 1 (the top) to PAGE_SIZE."""
POOL = 400
"""At most this many candidates are scored for a page: bounds the time a large catalogue takes."""
CHUNK = 4_096
"""Pages scored at once: bounds the memory."""
GRADE_WEIGHT = 1.2
POPULARITY_WEIGHT = 0.7
NOISE = 0.9


@dataclasses.dataclass(frozen=True)
class Impressions:
    """Items shown, by column; m is the number of impressions.

    Attributes:
        page: [m] the page it was shown on.
        item: [m] the item.
        position: [m] 1 at the top.
        grade: [m] how well the item answers the page's query; 0 on home pages.
    """

    page: Ints
    item: Ints
    position: Ints
    grade: Ints


def make_impressions(catalogue: Catalogue, pages: Pages, rng: np.random.Generator) -> Impressions:
    """Returns what was shown on every page, in no order; nothing before it is on sale.

    The shop ranks by a query's grade, popularity and noise: good enough to be of use, and far enough
    from each user's tastes to leave something to learn.
    """
    parts = []
    department_of_leaf = catalogue.vocabulary.department_of_leaf
    department = department_of_leaf[pages.leaf]
    for number in range(len(catalogue.vocabulary.departments)):
        aisle = np.flatnonzero(department_of_leaf[catalogue.leaf] == number)
        parts += _group(catalogue, pages, np.flatnonzero(pages.searched & (department == number)), aisle, rng)
    home = np.flatnonzero(~pages.searched)
    parts += _group(catalogue, pages, home, np.arange(len(catalogue.leaf)), rng)
    columns = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Impressions(*columns)


def _group(
    catalogue: Catalogue, pages: Pages, rows: Ints, items: Ints, rng: np.random.Generator
) -> list[tuple[Ints, Ints, Ints, Ints]]:
    """Returns the impressions of the pages at `rows`, chosen among `items`."""
    parts = []
    for first in range(0, len(rows), CHUNK):
        pool = items if len(items) <= POOL else rng.choice(items, POOL, replace=False)
        parts.append(_chunk(catalogue, pages, rows[first : first + CHUNK], pool, rng))
    return parts


def _chunk(
    catalogue: Catalogue, pages: Pages, rows: Ints, pool: Ints, rng: np.random.Generator
) -> tuple[Ints, Ints, Ints, Ints]:
    """Returns page, item, position and grade of the impressions of one chunk of pages."""
    grade = grades(pages.noun[rows], pages.attribute[rows], pages.word[rows], catalogue, pool)
    grade *= pages.searched[rows, None]
    # Gumbel noise on logits draws without replacement in proportion to their exponentials.
    uniform = rng.random(grade.shape, dtype=np.float32)
    score: Floats = -NOISE * np.log(-np.log(uniform + np.float32(1e-12)) + np.float32(1e-12))
    score += GRADE_WEIGHT * grade + POPULARITY_WEIGHT * catalogue.popularity[pool]
    score[catalogue.available[pool] > pages.time[rows, None]] = -np.inf
    size = min(PAGE_SIZE, len(pool))
    top = np.argpartition(-score, size - 1, axis=1)[:, :size]
    top = np.take_along_axis(top, np.argsort(-np.take_along_axis(score, top, axis=1), axis=1), axis=1)
    page, slot = np.nonzero(np.isfinite(np.take_along_axis(score, top, axis=1)))
    chosen = top[page, slot]
    return rows[page], pool[chosen], slot + 1, grade[page, chosen]
