"""Money: price book, ledger, invoices. Integers throughout.

Takes quantities from leases, gateways and blob storage; knows nothing of what was computed.
Start at `ledger.py`.
"""
