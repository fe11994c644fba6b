"""The one error of CSQL and its texts (``rules/case-api-v2.md`` 6.3). Pure.

The texts are those of CommCare HQ where it has one, because people search for them.
The list endpoint puts ``Bad query: `` in front.
"""

from __future__ import annotations

from ledger.errors import LedgerError

MALFORMED = "Malformed search query"
NO_OPERATOR = (
    "Your search query is required to have at least one boolean operator "
    "(=, !=, >, >=, <, <=)"
)
NOT_COMPARABLE = (
    "The right hand side of a comparison must be a number or date. "
    "Dates must be surrounded in quotation marks"
)
BAD_DATE = (
    "Invalid date value. Dates must be a number of days since 1970-01-01 "
    "or a text of the form 'YYYY-MM-DD'"
)
BAD_DATETIME = (
    "Invalid time value. Times must be a number of days since 1970-01-01 "
    "or a text of the form 'YYYY-MM-DDTHH:MM:SSZ'"
)
BAD_NUMBER = "The argument of 'double' must be a number, a date or a time"
BAD_LIST = (
    "The argument of 'unwrap-list' must be a JSON list of texts and numbers, "
    """such as '["a", "b"]'"""
)
BAD_QUANTITY = (
    "The quantity to add must be a number, and a whole one for months and years"
)
OUTSIDE_THE_CALENDAR = "What is added leads out of the calendar, years 1 to 9999"
NO_LIST = (
    "A list stands where one text must stand. 'unwrap-list' may be the second "
    "argument of 'selected', 'selected-any' and 'selected-all'"
)
BAD_COUNT = "'subcase-count' must be compared with a whole number, zero or more"
BAD_DISTANCE = "The third argument of 'within-distance' must be a number, zero or more"


class QueryError(LedgerError):
    """A query cannot be understood; ``text`` says why, without ``Bad query: ``."""

    def __init__(self, text: str) -> None:
        """Keep the reason."""
        super().__init__(text)
        self.text = text


def misunderstood(part: str) -> QueryError:
    """Return the error for a part of a query that fits nowhere."""
    return QueryError(
        f"We didn't understand what you were trying to do with {part}. "
        "Please try reformatting your query. "
        "The operators we accept are: =, !=, >, >=, <, <=, and, or"
    )


def unknown_function(name: str) -> QueryError:
    """Return the error for a function that is unknown, or stands where it cannot."""
    return QueryError(f"'{name}' is not a valid standalone function")


def property_on_the_right(path: str) -> QueryError:
    """Return the error for a property where a value must stand."""
    return QueryError(
        "You cannot reference a case property on the right side of a boolean "
        f'operation. If "{path}" is meant to be a value, please surround it with '
        "quotation marks"
    )


def wrong_arguments(name: str, signature: str) -> QueryError:
    """Return the error for a call with too few or too many arguments."""
    return QueryError(f"Wrong number of arguments: write {name}({signature})")


def not_a_property(name: str) -> QueryError:
    """Return the error for a call whose first argument must be a property."""
    return QueryError(f"The first argument of '{name}' must be a case property")


def not_an_index(name: str) -> QueryError:
    """Return the error for a call whose first argument must name an index."""
    return QueryError(f"The first argument of '{name}' must be the name of an index")


def bad_place(text: str) -> QueryError:
    """Return the error for coordinates that are none."""
    return QueryError(f"'{text}' is not a place. Write 'latitude longitude'")


def bad_interval(name: str, interval: str, intervals: str) -> QueryError:
    """Return the error for an interval that a function cannot add."""
    return QueryError(
        f"'{interval}' is not an interval of '{name}'. Expected one of {intervals}"
    )


def bad_unit(unit: str, units: str) -> QueryError:
    """Return the error for a unit of distance that is not known."""
    return QueryError(f"'{unit}' is not a valid distance unit. Expected one of {units}")
