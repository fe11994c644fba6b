"""Readers: every row of rules/batch-imports.md 1.4.2."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from importers.haplo.readers import FileBroken, Source, records_of
from importers.haplo.rules.control import READERS
from tests.kit.spreadsheets import an_xlsx


def source(tmp_path, content, **properties):
    path = tmp_path / "file"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return Source(name="people", path=path, properties=properties)


@pytest.fixture
def read(tmp_path):
    """Read a file: its records."""

    def run(content, reader, **properties):
        found = source(tmp_path, content, read=reader, **properties)
        return [raw.data for raw in records_of(found)]

    return run


@pytest.fixture
def broken(tmp_path):
    """Read a file that cannot be read: the reason."""

    def run(content, reader, **properties):
        with pytest.raises(FileBroken) as told:
            list(records_of(source(tmp_path, content, read=reader, **properties)))
        start, _, reason = str(told.value).partition("people: ")
        assert start == "Could not read file "
        return reason

    return run


@pytest.mark.parametrize(
    ("content", "records"),
    [
        ('[{"a": 1}, {"a": [{"b": "],["}]}]', [{"a": 1}, {"a": [{"b": "],["}]}]),
        ('{"x": {"a": 1}, "y": 2}', [{"a": 1}, 2]),
        (" [ ] ", []),
        ("{}", []),
        ('[1, "\\"", null, [2, 3]]', [1, '"', None, [2, 3]]),
        ('\ufeff["a"]', ["a"]),
        ('["\\ud800"]', ["\ud800"]),
        ('["é,\\\\",{}]', ["é,\\", {}]),
        ("[" * 500 + "]" * 500, [orjson.loads("[" * 499 + "]" * 499)]),
    ],
)
def test_json(read, content, records):
    """Each element of an array, or each value of an object."""
    assert read(content, "json") == records


def test_json_with_a_single_record(read):
    assert read("[1, 2]", "json", singleRecord=True) == [[1, 2]]
    assert read('{"a": 1}', "json", singleRecord=True) == [{"a": 1}]


@pytest.mark.parametrize(
    "content",
    [
        "",
        " ",
        "5",
        "[",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1,,2]",
        "[1 2]",
        "[1] 2",
        "[1}",
        '["a',
        '["\\"\\"\\"\\"',
        "[NaN]",
        "[1e]",
        "[tru]",
        '[{"a" "b"}]',
        b"[\xff]",
        b"\xff",
        '["a" "b"]',
        "[" * 5000,
        "[" * 5000 + "]" * 5000,
        '{"a": ' * 5000 + "1" + "}" * 5000,
    ],
)
def test_broken_json(broken, content):
    assert broken(content, "json")


def test_the_records_before_a_broken_one_are_read(tmp_path):
    records = records_of(source(tmp_path, "[1, 2, x]", read="json"))
    assert [next(records).data, next(records).data] == [1, 2]
    with pytest.raises(FileBroken):
        next(records)


XML = """<people xmlns="urn:x" xmlns:y="urn:y"><!-- c -->
  <p id="1" y:z="2"><n>Ann</n><y:m>a<b>b</b>c</y:m><n>Anna</n></p>
  <p/>
</people>"""


def test_xml_text_of_children(read):
    """Local names; a repeated name keeps the last; no children is no value."""
    assert read(XML, "xml-text-of-children") == [{"n": "Anna", "m": "abc"}, {}]


def test_xml_attributes(read):
    assert read(XML, "xml-attributes") == [{"id": "1", "z": "2"}, {}]


def test_xml_with_a_single_record(read):
    one = '<p id="1"><n>Ann</n></p>'
    assert read(one, "xml-text-of-children", singleRecord=True) == [{"n": "Ann"}]
    assert read(one, "xml-attributes", singleRecord=True) == [{"id": "1"}]


def test_the_charset_of_xml_comes_from_the_file(read):
    head = '<?xml version="1.0" encoding="iso-8859-1"?>'
    body = f"{head}<r><p><n>é</n></p></r>".encode("iso-8859-1")
    assert read(body, "xml-text-of-children") == [{"n": "é"}]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "x",
        "<a>",
        "<a><b></a>",
        "<a>&unknown;</a>",
        '<!DOCTYPE a [<!ENTITY x "y">]><a><b><c>&x;</c></b></a>',
        "<!DOCTYPE a><a/>",
        '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        "<a>" * 1000 + "</a>" * 1000,
        '<?xml version="1.0" encoding="nope"?><a/>',
        "<a>\0</a>",
    ],
)
@pytest.mark.parametrize("reader", ["xml-text-of-children", "xml-attributes"])
def test_broken_xml(broken, reader, content):
    """The rules of all XML here: no DOCTYPE, no entities, no bottomless nesting."""
    assert broken(content, reader)


@pytest.mark.parametrize(
    ("content", "records"),
    [
        ("a\tb\n1\t2\n", [{"a": "1", "b": "2"}]),
        (
            "a\tb\r\n\r\n1\t\r\n\t2\r3\t4",
            [{"a": "1"}, {"b": "2"}, {"a": "3", "b": "4"}],
        ),
        ("a\tb\n1\t2\t3\n4\n", [{"a": "1", "b": "2"}, {"a": "4"}]),
        ('a\n"x"\n 1 \n', [{"a": "x"}, {"a": " 1 "}]),
        ('a\tb\n"x\ty"\t5 ft 9"\n', [{"a": "x\ty", "b": '5 ft 9"'}]),
        ('a\n"x" y\n', [{"a": '"x" y'}]),
        ("\ufeffa\n1", [{"a": "1"}]),
        ("a\tb\n\t\n \t\xa0\n", []),
        ("a\n1\x0b2\u2028\x85", [{"a": "1\x0b2\u2028\x85"}]),
        ("", []),
        ("a\tb", []),
    ],
)
def test_tsv(read, content, records):
    """Quotes as Excel writes them; an empty value is absent, a blank line no record."""
    assert read(content, "tsv-with-name-row") == records


def test_tsv_with_a_separator_and_a_charset(read):
    body = "a||b\né||ü".encode("iso-8859-1")
    options = {"separator": "||", "charset": "iso-8859-1"}
    assert read(body, "tsv-with-name-row", **options) == [{"a": "é", "b": "ü"}]
    wide = "a\tb\n1\t2\n".encode("utf-16")
    assert read(wide, "tsv-with-name-row", charset="utf-16") == [{"a": "1", "b": "2"}]
    assert read("a|b", "tsv-with-name-row", separator=5) == []


@pytest.mark.parametrize("charset", ["nope", "base64", "unicode_escape", "\0", "idna"])
def test_charsets_that_are_none(broken, charset):
    reason = broken("a\n1", "tsv-with-name-row", charset=charset)
    assert reason.startswith("unknown charset")


def test_text_that_is_not_of_its_charset(broken):
    assert broken(b"a\n\xff", "tsv-with-name-row", charset="utf-8")
    assert broken(b"a\n\xff", "csv-with-name-row", charset="utf-8")
    assert broken(b"a\n\x81\x01", "csv-with-name-row")


def test_a_line_that_is_too_long(broken):
    reason = broken("a\n" + "x" * 10_000_001, "tsv-with-name-row")
    assert reason == "Row 2 holds more than 10000000 characters"


def test_csv(read):
    """The quotes of RFC 4180, otherwise as the TSV reader."""
    content = '\ufeffa,b\r\n"x\r\ny","z""q"\r\n,2\r\n\r\n1\r\n'
    assert read(content, "csv-with-name-row") == [
        {"a": "x\r\ny", "b": 'z"q'},
        {"b": "2"},
        {"a": "1"},
    ]


def test_broken_csv(broken):
    assert broken('a\n"x', "csv-with-name-row")
    assert broken('a\n"x"y', "csv-with-name-row")


def test_xlsx(read):
    """The first sheet or the one that is named; cells become texts."""
    book = an_xlsx(
        one=[["a", "b"], [1.0, "x"], [None, None], [None, True]], two=[["c"], [2.5]]
    )
    assert read(book, "xlsx-with-name-row") == [{"a": "1", "b": "x"}, {"b": "True"}]
    assert read(book, "xlsx-with-name-row", sheet="two") == [{"c": "2.5"}]


def test_broken_xlsx(broken):
    assert broken("no workbook", "xlsx-with-name-row")
    book = an_xlsx(one=[["a"], [1]])
    reason = broken(book, "xlsx-with-name-row", sheet="two")
    assert reason == "The file has no sheet named 'two'"


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.binary(max_size=60) | st.text(max_size=60),
    reader=st.sampled_from([r for r in READERS if r != "xlsx-with-name-row"]),
    single=st.booleans(),
)
def test_any_bytes_are_records_or_broken(tmp_path, content, reader, single):
    content = content if isinstance(content, bytes) else content.encode()
    found = source(tmp_path, content, read=reader, singleRecord=single)
    try:
        count = len(list(records_of(found)))
    except FileBroken:
        return
    assert count == len(list(records_of(found)))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
    ),
    max_leaves=10,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(document=st.lists(VALUES, max_size=6), indent=st.booleans())
def test_an_array_is_read_as_it_was_written(tmp_path, document, indent):
    """Cutting an array into its elements loses nothing."""
    option = orjson.OPT_INDENT_2 if indent else 0
    try:
        content = orjson.dumps(document, option=option)
    except TypeError:
        return
    found = source(tmp_path, content, read="json")
    assert [raw.data for raw in records_of(found)] == document
