"""The quickstart: a whole system in a temporary home, used once from end to end, and removed."""
