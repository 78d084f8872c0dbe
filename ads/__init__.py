"""Sponsored places: who may bid, who wins, what it costs, and how a budget lasts.

`campaign.py` is what an advertiser asks for, `market.py` says which campaigns may bid for a request, `auction.py` sells the
places, `pacing.py` makes budgets last, `frequency.py` counts what a user was shown. All of it is pure: nothing here keeps
a budget. `selling.py` sells the places of many requests in order, for a simulator or a replay. Money is whole micros
(millionths of a unit) of one currency, and chances are whole millionths, so that sums and comparisons are exact.
"""
