"""How large forms and their files may be. Pure."""

from __future__ import annotations

from typing import Final

MAX_FORM: Final = 10 * 1024 * 1024
MAX_ATTACHMENT: Final = 15 * 1024 * 1024
TOO_LARGE: Final = "Form exceeds 10MB size limit"
