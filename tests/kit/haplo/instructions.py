"""Instructions and control files that several tests of records share."""

from __future__ import annotations

from tests.kit.haplo.batches import NEW, a_control, constant, field
from tests.kit.haplo.transforms import messages, transformed, written

ANN = (NEW, constant("Ann", "case_name"))
NOT_READY = (
    'Destination "object" needs be made ready with a "new" or "load" instruction'
)
BY_REF = [
    field("ref", "ref", destination="load:by-ref", filters=["haplo:string-to-ref"]),
    {"action": "load", "destination": "object", "using": "load:by-ref"},
]
NOTHING = object()


def instruction(action, source=None, **more):
    about = {"action": action, **more}
    return about if source is None else {**about, "source": source}


def if_has(name):
    return instruction(
        "if-has-value",
        destination="object",
        name=name,
        then=[constant("yes", f"has_{name}")],
        **{"else": [constant("no", f"has_{name}")]},
    )


def seen(instructions, record, *cases):
    """Return the property ``v`` that instructions set."""
    return written(transformed(a_control(*ANN, *instructions), record, *cases)).get("v")


def converted(value, *cases, users=None, mapping=None, **keys):
    """Return what a field makes of a value, ``NOTHING``, or what is said."""
    more = {} if mapping is None else {"mapping": {"m": mapping}}
    control = a_control(*ANN, field("v", **keys), **more)
    found = transformed(control, {"v": value}, *cases, users=users)
    if found.messages:
        return messages(found)
    return written(found).get("v", NOTHING)


def family(*instructions, **child):
    """Return a control file with a mother and a child that depends on her."""
    destinations = {
        "mother": {"caseType": "patient"},
        "child": {
            "caseType": "patient",
            "depends": "mother",
            "optional": True,
            **child,
        },
    }
    return a_control(*instructions, model="ledger:cases", destinations=destinations)


def to(destination, source, name=None):
    return field(source, name, destination=destination)


MOTHER = [{"action": "new", "destination": "mother"}, to("mother", "m", "case_name")]
CHILD = to("child", "c", "case_name")
