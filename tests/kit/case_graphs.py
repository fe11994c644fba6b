"""Graphs of cases on which servers and phones must agree: the acceptance table.

Each is a name, the owned cases, the closed ones, child indices, extension indices
("a>b": a points at b), and the cases that its user gets.
"""

from __future__ import annotations

GRAPHS = (
    ("Ownership_Purge", "", "", "", "", ""),
    ("Partial_Ownership", "a b c", "", "", "", "a b c"),
    ("Subcase_Ownership", "d", "", "d>b", "", "d b"),
    ("Close_Purge", "", "a", "", "", ""),
    ("Live_Dependence", "a b", "a", "b>a", "", "a b"),
    ("Test_Reverse_Index", "a b", "b", "b>a", "", "a"),
    ("Multiple_Dead", "a b", "a b", "b>a", "", ""),
    ("Alternating_Chain", "b d", "b e", "d>b e>d", "", "d b"),
    ("Lopsided_Chain", "b d e", "d e", "d>b e>d", "", "b"),
    ("Extension_retention", "a", "", "", "e>a", "a e"),
    ("Extension_Purge", "a", "a", "", "e>a", ""),
    ("Extension_Subcase_Chain", "a b", "a", "b>e", "e>a", "a b e"),
    ("Extension_Subcase_Chain_Closed", "a b", "a b", "b>e", "e>a", ""),
    ("Heterogeneous_Children", "a b e", "a", "b>a", "e>a", "a b e"),
    ("Heterogeneous_Parentage", "a b", "a", "e>b", "e>a", "b"),
    ("Delegate_Pull", "d", "", "", "d>a", "d a"),
    ("Delegate_Keep", "a", "", "", "d>a", "d a"),
    ("Delegate_Extension_Info", "d", "", "", "d>a b>a", "d a b"),
    ("Long_chain", "a", "", "", "b>a c>b d>c", "a b c d"),
    ("Long_Chain_with_Children", "e", "", "e>c", "d>c c>b b>a", "a b c d e"),
    ("Closed_Extension", "a", "b", "", "b>a", "a"),
    ("Closed_Extension_With_Children", "a", "b", "a>b", "c>b", "a b c"),
    ("Double_Chain", "a b c", "a b", "c>b b>a", "", "a b c"),
    ("Double_Index", "a b", "a", "b>a", "b>a", "a b"),
    ("Extension_Two_Hosts", "e", "a", "", "e>a e>b", "a b e"),
    ("Double_Extension", "a b", "a", "", "e>a b>e", ""),
    ("Delegate_Closure", "d", "a", "", "d>a", ""),
    ("chain_with_owned_closed", "b", "b", "", "d>c c>b b>a", ""),
    ("owned_closed", "b", "a b c d", "", "d>c c>b b>a", ""),
    ("owned_closed_host", "b", "a", "", "d>c c>b b>a", ""),
    ("Broken_Extension_Chain", "a", "b", "", "b>a c>b", "a"),
    ("Cousins", "a b", "", "a>c b>d c>e d>e", "", "a b c d e"),
    ("icds_structure_closed_person", "a b c", "b", "b>a", "c>b d>b b>a", "a"),
    ("open_extension_of_closed_extension", "c", "a b", "", "b>a c>b", ""),
    ("open_child_of_closed_extension", "c", "a b", "c>b", "b>a", "a b c"),
    ("host_of_closed_extension", "a c", "b", "", "b>a b>d c>b", "a"),
    (
        "host_of_open_extension_with_closed_extension",
        "a c",
        "b",
        "",
        "b>a b>d c>b d>e",
        "a",
    ),
    (
        "parent_of_host_of_owned_extension_with_other_host",
        "d",
        "",
        "c>e",
        "d>a d>c",
        "d a c e",
    ),
    ("closed_parent_double_index", "d", "a", "b>a", "b>a c>b d>b", "a b c d"),
    (
        "unowned_child_with_closed_extension_chain",
        "a e",
        "d",
        "a>b c>b",
        "d>c e>d",
        "a b",
    ),
    (
        "reach_tests_subcase",
        "claim",
        "p_mother",
        "p_child>p_mother",
        (
            "claim>house p_mother>house "
            "p_child>house child_health>p_child measurement>child_health"
        ),
        "claim house p_mother p_child child_health measurement",
    ),
    (
        "reach_tests_extension",
        "claim",
        "p_mother",
        "",
        (
            "claim>house p_mother>house p_child>house "
            "p_child>p_mother child_health>p_child measurement>child_health"
        ),
        "claim house p_mother p_child child_health measurement",
    ),
    (
        "reach_tests_subcase_both_closed",
        "claim",
        "p_mother p_child",
        "p_child>p_mother",
        (
            "claim>house p_mother>house "
            "p_child>house child_health>p_child measurement>child_health"
        ),
        "claim house",
    ),
    (
        "reach_tests_extension_both_closed",
        "claim",
        "p_mother p_child",
        "",
        (
            "claim>house p_mother>house p_child>house "
            "p_child>p_mother child_health>p_child measurement>child_health"
        ),
        "claim house",
    ),
    ("alternating_propogation", "L", "", "", "L>B C>B C>D E>D", "L B C D E"),
    (
        "extension_and_child_relationship",
        "parent",
        "",
        "child_and_extension>parent",
        "child_and_extension>parent",
        "parent",
    ),
    ("owned_closed_open_extension", "a", "b", "", "a>b", ""),
    ("closed_extension_2", "a", "e", "", "e>a", "a"),
)
