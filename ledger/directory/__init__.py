"""The directory: domains, users and their keys, plain tables that are no case data.

Every change is also an entry of the domain's log, without secrets
(``rules/design.md`` 2.6, ``rules/operator.md`` 5.5).
"""
