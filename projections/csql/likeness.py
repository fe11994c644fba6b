"""Texts that are almost alike: by spelling and by sound. Pure."""

from __future__ import annotations

import unicodedata

_FIRST = 2  # characters that must agree before spelling errors are forgiven
_ONE_EDIT_FROM = 3
_TWO_EDITS_FROM = 6
_CODE_LENGTH = 4
_SOUNDS = {
    letter: digit
    for digit, letters in {
        "1": "BFPV",
        "2": "CGJKQSXZ",
        "3": "DT",
        "4": "L",
        "5": "MN",
        "6": "R",
    }.items()
    for letter in letters
}


def spelled_alike(value: str, wanted: str) -> bool:
    """Tell whether a value is the wanted text but for a few typing errors.

    The first two characters agree, and then none, one or two characters may be wrong,
    missing, added or swapped with a neighbour, by the length of the wanted text: the
    rule that Elasticsearch calls ``AUTO``.
    """
    allowed = (len(wanted) >= _ONE_EDIT_FROM) + (len(wanted) >= _TWO_EDITS_FROM)
    return value[:_FIRST] == wanted[:_FIRST] and within_edits(value, wanted, allowed)


def within_edits(one: str, other: str, limit: int) -> bool:
    """Tell whether so many edits, swaps of neighbours among them, make one the other.

    Only the diagonal band that ``limit`` can reach is computed, so two long texts cost
    as much as they are long, not their product.
    """
    if abs(len(one) - len(other)) > limit:
        return False
    before: dict[int, int] = {}
    last = {j: j for j in range(min(limit, len(other)) + 1)}
    for i in range(1, len(one) + 1):
        row: dict[int, int] = {}
        for j in range(max(0, i - limit), min(len(other), i + limit) + 1):
            edits = [last.get(j, limit) + 1, row.get(j - 1, limit) + 1]
            if j:
                edits.append(last[j - 1] + (one[i - 1] != other[j - 1]))
            if i > 1 and j > 1 and one[i - 2 : i] == other[j - 2 : j][::-1]:
                edits.append(before.get(j - 2, limit) + 1)
            row[j] = min(edits)
        before, last = last, row
    return last[len(other)] <= limit


def soundex(word: str) -> str:
    """Return the American Soundex code of a word.

    Accents do not count. A word without a Latin letter has no code and stands for
    itself, so that equal words still sound alike in any script.
    """
    bare = unicodedata.normalize("NFKD", word).upper()
    letters = [letter for letter in bare if "A" <= letter <= "Z"]
    if not letters:
        return bare
    code, last = letters[0], _SOUNDS.get(letters[0], "")
    for letter in letters[1:]:
        sound = _SOUNDS.get(letter, "")
        if sound and sound != last:
            code += sound
        if letter not in "HW":  # silent: equal sounds around them count once
            last = sound
    return code[:_CODE_LENGTH].ljust(_CODE_LENGTH, "0")
