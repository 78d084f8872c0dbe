"""The report `reviews`: of `aisle reviews`."""

from aisle.components.reports.reviews.report import NAME, headline, write_reviews

__all__ = ["NAME", "headline", "write_reviews"]
