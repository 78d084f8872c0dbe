"""The reports a person reads: each a versioned JSON file and a static, offline HTML page beside it."""

from aisle.components.reports import (
    ads,
    anomalies,
    cleaning,
    evaluation,
    experiment,
    inventory,
    labels,
    pictures,
    reviews,
)
from aisle.components.reports.ads import write_ads
from aisle.components.reports.anomalies import write_anomalies
from aisle.components.reports.cleaning import write_cleaning
from aisle.components.reports.evaluation import write_evaluation
from aisle.components.reports.experiment import write_experiment
from aisle.components.reports.inventory import write_inventory
from aisle.components.reports.labels import write_labels
from aisle.components.reports.pictures import write_pictures
from aisle.components.reports.reviews import write_reviews

__all__ = [
    "REPORTS",
    "write_ads",
    "write_anomalies",
    "write_cleaning",
    "write_evaluation",
    "write_experiment",
    "write_inventory",
    "write_labels",
    "write_pictures",
    "write_reviews",
]

REPORTS = (
    anomalies.NAME,
    cleaning.NAME,
    pictures.NAME,
    labels.NAME,
    evaluation.NAME,
    inventory.NAME,
    experiment.NAME,
    ads.NAME,
    reviews.NAME,
)
"""Their names, in the order a run writes them; then those of `aisle forecast` and `aisle replenish`, of `aisle experiment`, of
`aisle ads`, and of `aisle reviews`."""
