"""Which of two rankings is better: who gets which arm, what was seen, and how sure that is.

`assignment/` says which arm a user gets, without scipy; `statistics/` compares arms; `interleaving.py` mixes two answers
and `off_policy/` judges a policy by another's log. All of it is pure: numbers and records in, records out.
"""
