"""The report `experiment`: what an A/B test or interleaved answers found, verdict first, with its intervals as pictures."""

from aisle.components.reports.experiment.facts import report_of, report_of_interleaved
from aisle.components.reports.experiment.page import NAME, headline, write_experiment

__all__ = ["NAME", "headline", "report_of", "report_of_interleaved", "write_experiment"]
