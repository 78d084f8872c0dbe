"""TFDV's statistics, computed in this process where Beam would run on this machine anyway."""
