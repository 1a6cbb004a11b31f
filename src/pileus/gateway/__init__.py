"""
Answers requests for predictions: authenticates, batches, computes, meters, records.

Has no database and no decisions of its own: the server says what is served and who may ask. It
starts and goes on without the server, from its cache under the home's `gateway/`. Start at
`wiring.py`; a request's way is `lane.py`, `rest/`, `inference.dataplane`.
"""
