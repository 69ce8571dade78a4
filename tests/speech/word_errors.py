"""Word error rate: how many words must be put in, taken out or changed to get from what was heard to what was said."""

import re
import unicodedata

# Whisper writes what a transcript spells out.
SPELT_OUT = {"mr": "mister", "mrs": "missus", "dr": "doctor", "st": "saint"}
NUMBERS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]


def words(text):
    """`text` as a list of words without case, punctuation and hyphens."""
    text = unicodedata.normalize("NFKC", text).lower().replace("'", "").replace("\u2019", "")
    found = re.findall(r"\w+", text)
    spelt = (SPELT_OUT.get(word, word) for word in found)
    return [NUMBERS[int(word)] if word.isdecimal() and int(word) < len(NUMBERS) else word for word in spelt]


def count(said, heard):
    """The number of wrong words between two lists (Levenshtein distance)."""
    row = list(range(len(heard) + 1))
    for i, word in enumerate(said, 1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (word != other))
    return row[-1]


def rate(pairs):
    """Of (said, heard) texts: wrong words over words said, over all of them together."""
    pairs = [(words(said), words(heard)) for said, heard in pairs]
    return sum(count(said, heard) for said, heard in pairs) / sum(len(said) for said, _ in pairs)


assert rate([("one two three", "One, two three!")]) == 0
assert rate([("a b c d", "a x c")]) == 0.5
assert rate([("Mister Brown has 3 ill-disposed cats", "mr brown has three ill disposed cats")]) == 0
assert rate([("yes", "yes yes yes")]) == 2
