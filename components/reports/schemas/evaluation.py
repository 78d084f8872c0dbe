"""The report `evaluation`, as `aisle.components.evaluator.executor` gives it."""

from __future__ import annotations

from typing import Literal

from aisle.components.reports.schemas.record import Record, may_be_absent

Interval = tuple[float, float]
"""The ends of a 95 % interval."""


class Window(Record):
    """The test's time, RFC 3339."""

    test_start: str
    end: str


class Users(Record):
    """Users tested."""

    all: int
    new: int
    """With an item they had not taken before."""


class Intervals(Record):
    """95 % intervals by metric."""

    ndcg: Interval | None


class Gain(Record):
    """The whole pipeline's nDCG less another system's."""

    ndcg: float | None
    ci: Interval | None
    """Its paired interval."""


class RecallGain(Record):
    """The whole pipeline's recall less another system's."""

    recall: float | None
    ci: Interval | None
    """Its paired interval."""


class Metrics(Record):
    """A system's figures; a mean of nothing is null."""

    recall: float | None
    ndcg: float | None
    mrr: float | None
    hit_rate: float | None
    coverage: float | None
    novelty: float | None
    """Bits."""
    popularity: float | None
    """Mean number of events of what is recommended."""
    diversity: float | None
    """Of the items of an answer, by their words: the mean of 1 - cosine over their pairs."""
    gini: float | None
    """Of the items' exposure: 0 where all are shown alike."""
    miscalibration: float | None
    """Of the answer's top categories from those of what the user took, nats; null where the shop states none."""
    ci: Intervals
    pipeline_gain: Gain = may_be_absent()
    """Of every system but the first, which is the whole pipeline."""


class System(Record):
    """A recommender."""

    name: str
    all: Metrics | None
    """Every item taken counts; null where the system has no answer."""
    new: Metrics | None
    """Only items not taken before count, and those are left out of the answers."""


class Baseline(Record):
    """The best simple method on a slice."""

    name: str
    recall: float | None
    ndcg: float | None


class Slice(Record):
    """A part of the test; its figures are null where it has too few users."""

    kind: Literal["activity", "newcomers", "items", "country"]
    name: str
    rule: str
    users: int
    recall: float | None
    ndcg: float | None
    baseline: Baseline | None
    gain: Gain | None


class Group(Record):
    """A group of items, by shares."""

    name: str
    catalogue: float | None
    taken: float | None
    """In the test."""
    exposure: dict[str, float | None]
    """By system."""


class Exposure(Record):
    """Who is shown how much, by one way to part the catalogue."""

    by: Literal["popularity", "category", "brand"]
    groups: list[Group]
    distance: dict[str, float | None]
    """Total variation of exposure and taken, by system."""


class SearchSystem(Record):
    """A search."""

    name: str
    ndcg: float | None
    """Of the judged items, put in order."""
    ndcg_full: float | None
    """Of the whole catalogue; what is unjudged is worth nothing."""
    recall: float | None
    """Of the items taken."""
    ci: Intervals = may_be_absent()
    """Where queries were judged."""
    pipeline_gain: Gain = may_be_absent()
    """Of every search but the whole pipeline, where queries were judged."""
    recall_gain: RecallGain = may_be_absent()
    """The same, where something was taken after a search."""


class Search(Record):
    """The test's queries."""

    queries: int
    judged: int
    clicked: int
    ndcg_at: int
    recall_at: int
    systems: list[SearchSystem]


class Bin(Record):
    """Candidates of about the same probability."""

    predicted: float
    observed: float
    count: int


class Calibration(Record):
    """Whether a predicted probability happens as often as it says."""

    predicted: float
    observed: float
    ece: float | None
    """Expected calibration error."""
    bins: list[Bin]


class Ranking(Record):
    """The ranking head's own metrics."""

    auc: float | None
    log_loss: float | None
    rows: int | None
    calibration: Calibration | None


class Compared(Record):
    """The last blessed model, asked the same test."""

    compared: Literal[True]
    model: str
    """Its folder."""
    figure: str
    last: float | None
    pipeline: float | None
    given: bool
    """Whether both were given the users' histories."""
    gain: float | None
    ci: Interval | None


class NotCompared(Record):
    """Why the last blessed model was not asked."""

    compared: Literal[False]
    why: str
    failed: bool
    """Whether it should have been possible."""


class IndexFigures(Record):
    """An approximate index."""

    clusters: int
    probes: int
    """Clusters read."""
    recall: dict[str, float | None]
    """By kind of question."""
    queries: dict[str, int]
    """By kind of question."""
    read_share: float
    """Items compared, of all."""
    index_mb: float
    vectors_mb: float


class Index(Record):
    """The index of the served model."""

    kind: Literal["exact", "approximate"]
    items: int
    recall_at: int
    recall: float | None
    """The share of the nearest items that is found, the lowest there is."""
    indexes: dict[str, IndexFigures]


class Direction(Record):
    """What one domain of the shop says of another, as of the start of the test."""

    source: str
    """Whose items users took; "" is of the items that name no domain."""
    target: str
    """Whose items are recommended."""
    weight: float
    """Of what goes with the items of `source`; 0 is off."""
    gain: float
    """NDCG with it less without it, of the best weight that was tried."""
    low: float
    """The lower end of the gain's 90 % interval: above 0, or the direction is off."""
    questions: int
    """Hidden items that were foretold."""


class PictureRecall(Record):
    """What a weight of pictures finds."""

    weight: float
    recall: float
    """Of what visitors took beside an item, how much is among the ten most similar: the mean of visitors."""


class PictureWeight(Record):
    """How much pictures count in what is similar, and what the validation window says of that."""

    weight: float
    """Beside the cosines of towers and texts, which count once each; 0 is off."""
    gain: float
    """In recall, by the best weight that was tried over none."""
    low: float
    """The lower end of the gain's 90 % interval: above 0, or that weight isn't taken."""
    visitors: int
    """Who took two items or more."""
    recalls: list[PictureRecall]
    """Of each weight that was tried; empty without such visitors."""


class Taken(Record):
    """A part of another shop's models that this one's may begin with."""

    part: Literal["encoder", "head", "worth", "next"]
    """The text encoder; the ranking head; what sells, and what is taken next, by what it is."""
    on: bool
    gain: float
    """NDCG with it less without it; 0 where it wasn't tried."""
    low: float
    """The lower end of the gain's 90 % interval: above 0, or the part is off."""
    questions: int
    """Of this shop's own data, that were asked."""
    why: str
    """Why it is on or off where the gain doesn't say it; empty else."""


class Check(Record):
    """A condition of the blessing."""

    passed: bool | None
    """Null: not asked."""
    line: str


class Blessing(Record):
    """Whether the model may be pushed."""

    blessed: bool
    reasons: list[str]
    """The lines of what failed, or where nothing did, all."""
    checks: list[Check]


class Evaluation(Record):
    """How good the new model is, beside what it must beat."""

    version: Literal[1]
    goal: Literal["purchase", "click", "judgement"]
    window: Window
    k: int
    """The length of an answer."""
    users: Users
    catalogue: int
    """Items that could be answered."""
    systems: list[System]
    slices: list[Slice]
    slice_users: int
    """With fewer users a slice has no figures."""
    exposure: list[Exposure]
    search: Search | None
    """Null without queries."""
    ranking: Ranking | None
    """Null without a ranking head."""
    last_blessed: Compared | NotCompared
    index: Index | None
    """Null for a model that doesn't say."""
    domains: list[Direction] = may_be_absent()
    """Of a shop of several domains."""
    pictures: PictureWeight = may_be_absent()
    """Of a shop with pictures."""
    transfer: list[Taken] = may_be_absent()
    """Of a shop that began with another one's models."""
    blessing: Blessing
    training: dict[str, dict[str, list[float | None]]]
    """Curves by model and name, by epoch; empty where the trainings left none."""
