"""The bare pipeline: the least work a case ledger can do for the same requests.

A yardstick, not a product (rules/design.md 6.3): no authentication, no
validation beyond well-formed XML, no error records, no history.
"""
