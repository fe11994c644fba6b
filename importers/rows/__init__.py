"""What every import of rows does: read ahead, decide, build, append, count, try.

An import brings how its rows are read, how one is decided, and what is told of it. How
far it is, and what its dry run would have left, is a ``Course`` (``job``). Rows are
read in portions (``reading``), and each portion is one command, which decides row after
row (``decide``) against what the rows before left (``rules/overlay``). What it appends
is its own: forms (``append``), among them one for each record, whose result is kept
(``records``), or anything else that a session takes.
"""
