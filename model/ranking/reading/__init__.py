"""The part of the ranking head that reads: a query, or the titles of a history, beside a candidate's title."""
