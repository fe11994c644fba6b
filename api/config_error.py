"""What is raised of settings; alone, so that the command line need not read any.

``api/config.py`` reads them.
"""

from __future__ import annotations


class ConfigError(ValueError):
    """A setting has a value that makes no sense; the text names the setting."""
