"""The reports a person reads: each a versioned JSON file and a static, offline HTML page beside it."""

from aisle.components.reports.anomalies import write_anomalies
from aisle.components.reports.cleaning import write_cleaning
from aisle.components.reports.evaluation import write_evaluation
from aisle.components.reports.labels import write_labels

__all__ = ["write_anomalies", "write_cleaning", "write_evaluation", "write_labels"]
