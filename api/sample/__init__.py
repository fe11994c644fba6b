"""The sample: half a year of a small maternal-health programme, as phones sent it.

Everything in it is invented, and every run makes the same bytes: ids are derived and
values computed, so that documentation can name a case and a test can count them. What
the programme is and what one can ask it: ``docs/sample.md``.

``people`` says who lives where, ``journey`` what each pregnancy goes through,
``findings`` what is measured, ``registration``, ``care`` and ``moves`` what each form
asks and does to cases, ``sheet`` how that looks as XML, ``story`` in which order.
"""

from __future__ import annotations

from api.sample.story import BROKEN, RESENT, SampleForm, forms

__all__ = ["BROKEN", "RESENT", "SampleForm", "forms"]
