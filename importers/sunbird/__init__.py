"""Sunbird's bulk upload of users, organisations and locations.

``rules/batch-imports.md`` 2. Each module has one part: what an operator may set
(``settings``), the columns of a file (``columns``) and how it is read (``table``), what
a row means (``users``, ``organisations``, ``locations``), rows as one command
(``command``), asking for an upload (``upload``) and its job (``job``).
"""
