"""The cases that a form names are the same by a search in its bytes as by its tree."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import Malformed, Rejected
from ledger.forms.case_xml import case_elements, read_ledger_case_ids
from ledger.forms.form import CASE_NS, DEVICE_LOG_NS, LEDGER_NS
from ledger.forms.form_xml import named_case_ids
from ledger.forms.named_cases import plainly_named
from ledger.forms.xml import namespace, parse_xml
from tests.kit import build, strategies

PROLOGS = (
    b"",
    b'<?xml version="1.0"?>',
    b'<?xml version="1.0" encoding="UTF-8"?>\n',
    b"<?xml version='1.0' encoding='utf-8' ?>",
)
ODD_PROLOGS = (
    b'<?xml version="1.0" encoding="iso-8859-1"?>',
    b"\xef\xbb\xbf",
    b"<!-- -->",
)
NAMES = ("case", "lowercase", "case_id", "case.", "data")
ODD_NAMES = ("p:case", "l:balance", "d:case", "l:case")
ATTRIBUTES = (
    ' case_id="c1"',
    '\ncase_id="c2"',
    ' id="x" case_id="é"',
    ' case_id=""',
    ' id=" case " xmlns="u"',
    ' p:case_id="c3"',
    ' case_id=" c "  ',
    f' xmlns="{CASE_NS}" case_id="c4"',
    "",
)
ODD_ATTRIBUTES = (
    " case_id='c5'",
    " id=' case_id=\"c0\"' case_id='c5'",
    ' case_id = "c6"',
    ' case_id="a\tb"',
    ' case_id="a>b"',
    ' case_id="&lt;"',
    ' case_id="&#65;"',
    ' entity-id="c7"',
    ' id="/case"',
    f' xmlns="{DEVICE_LOG_NS}" case_id="c8"',
)
TEXTS = ("", "a case ", "/case>", ' case_id="x"', "! # ?", "é", "&lt;case >", "]]")
ODD_TEXTS = (
    "<!-- <case case_id='x'/> -->",
    '<![CDATA[<case case_id="x">]]>',
    '<?case <case case_id="x"?>',
    "&#60;case&#62;",
    "a:case ",
)


def rarely(usual, odd):
    """Return what is mostly usual: one oddity among much that is plain tells most."""
    return st.sampled_from(usual * (1 + 6 * len(odd) // len(usual)) + odd)


def _grown(inner):
    parts = st.lists(inner | rarely(TEXTS, ODD_TEXTS), max_size=3).map("".join)
    tags = rarely(NAMES, ODD_NAMES), rarely(ATTRIBUTES, ODD_ATTRIBUTES)
    whole = st.builds("<{0}{1}>{2}</{0}>".format, *tags, parts)
    return whole | st.builds("<{0}{1}/>".format, *tags)


elements = _grown(_grown(rarely(TEXTS, ODD_TEXTS)))
_declared = st.builds(
    ' xmlns:p="p" xmlns:d="{0}" xmlns:l="{1}"{2}'.format,
    rarely(("d",), (DEVICE_LOG_NS,)),
    rarely(("l",), (LEDGER_NS,)),
    rarely((' xmlns="f"', ""), (f' xmlns="{DEVICE_LOG_NS}"',)),
)
roots = st.builds(
    "<{0}{1}>{2}</{0}>{3}".format,
    rarely(("data",), ("case", "p:case")),
    _declared,
    st.lists(elements, max_size=4).map("".join),
    rarely(("", "\n"), ("<!-- <case case_id='x'/> -->",)),
)


def by_tree(body):
    """Return what the tree tells, nothing where it is no form that was accepted."""
    try:
        root = parse_xml(body)
        if namespace(root) == DEVICE_LOG_NS:
            return []
        named = {element.get("case_id") for element in case_elements(root)} - {None}
        return sorted(named.union(read_ledger_case_ids(root)))
    except (Malformed, Rejected):
        return None


@settings(max_examples=300)
@given(prolog=rarely(PROLOGS, ODD_PROLOGS), root=roots)
def test_any_document(prolog, root):
    """Whatever is well-formed: comments, sections, prefixes, blocks in blocks."""
    body = prolog + root.encode()
    expected = by_tree(body)
    if expected is not None:
        assert named_case_ids(body) == expected


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        ('<case case_id="a"><case case_id="b"/></case>', ["a"]),
        ('<case case_id="a"/><x><case case_id="b"></case></x>', ["a", "b"]),
        ('<case><x case_id="a"/></case><case case_id="b"/>', ["b"]),
        ('<p:case case_id="a"/>', ["a"]),
        ('<p:case><case case_id="a"/></p:case>', []),
        ('<!-- <case case_id="a"/> -->', []),
        ('<x><![CDATA[<case case_id="a"/>]]></x>', []),
        ('<?x <case case_id="a"/> ?>', []),
        ('<case case_id="&#65;"/>', ["A"]),
        ("<case case_id='a'/>", ["a"]),
        ('<case id="a>b" case_id="a"/>', ["a"]),
        ('<case id=\' case_id="b"\' case_id="a"/>', ["a"]),
        (f'<balance xmlns="{LEDGER_NS}" entity-id="a"/>', ["a"]),
        (f'<case xmlns="{DEVICE_LOG_NS}" case_id="a"/>', []),
        (f'<x xmlns="{DEVICE_LOG_NS}"><case xmlns="" case_id="a"/></x>', []),
        (f'<x xmlns="{DEVICE_LOG_NS[:-1]}&#116;"><case xmlns="" case_id="a"/></x>', []),
    ],
)
def test_traps(inner, expected):
    """What a search in bytes could get wrong."""
    body = f'<data xmlns="f" xmlns:p="p">{inner}</data>'.encode()
    assert named_case_ids(body) == expected
    assert by_tree(body) == expected


def test_a_form_that_is_called_case():
    """Its root is no block, and what stands in it is."""
    body = b'<case xmlns="f" case_id="a"><case case_id="b"/></case>'
    assert named_case_ids(body) == by_tree(body) == ["b"]


@given(form=strategies.forms())
def test_forms_of_every_shape(form):
    """Blocks with whatever they may hold."""
    body = strategies.body_of(form, "")
    expected = by_tree(body)
    if expected is not None:
        assert named_case_ids(body) == expected


def test_usual_forms_need_no_tree():
    """What devices and the server write; else the search would be for nothing."""
    body = build.a_form([build.a_create("c2"), build.an_update("c1", p="<&>é")])
    assert plainly_named(body) == {"c1", "c2"}
