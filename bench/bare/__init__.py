"""The bare pipeline: the least work a case ledger can do for the same requests.

A yardstick, not a product (performance.md, section 2.1): no authentication, no
validation beyond well-formed XML, no error records, no history.
"""
