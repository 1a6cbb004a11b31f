"""The nouns every layer shares: schemas, errors, ids, names, clock, the settings loader.

Standard library and pydantic only, so that anything may import it.
"""
