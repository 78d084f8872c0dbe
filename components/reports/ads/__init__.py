"""The report `ads`: what sponsored places brought, by campaign, and what they cost the answers."""

from aisle.components.reports.ads.report import NAME, headline, write_ads

__all__ = ["NAME", "headline", "write_ads"]
