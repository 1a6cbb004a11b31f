"""The nouns as typed values: what the API carries, what rows hold. Frozen pydantic models."""
