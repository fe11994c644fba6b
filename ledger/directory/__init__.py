"""The directory: domains, users and their keys, plain tables that are no case data.

Every change is also an entry of the domain's log, without secrets (rulings R-13, R-14).
"""
