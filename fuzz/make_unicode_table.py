"""Write what the running Python says of characters.

    python make_unicode_table.py > unicode/python_3_11.txt

Asked of `str` and `re` directly, and not by way of `fastqa._unicode`, which is under test.
"""

import re
import sys
import unicodedata


def ranges(points: list[int]) -> str:
    """ "41-5a 61" for the points 0x41 to 0x5a and 0x61."""
    found: list[list[int]] = []
    for point in points:
        if found and found[-1][1] == point - 1:
            found[-1][1] = point
        else:
            found.append([point, point])
    return " ".join(f"{a:x}" if a == b else f"{a:x}-{b:x}" for a, b in found)


def main() -> None:
    points = [point for point in range(0x110000) if not 0xD800 <= point <= 0xDFFF]
    word, sigma = re.compile(r"\w"), "\u03a3"
    # A capital sigma is final after a cased character, looking through case-ignorable ones.
    cased = [p for p in points if f"{chr(p)}{sigma}".lower()[-1] == "\u03c2"]
    through = {p for p in points if f"\u0391{chr(p)}{sigma}".lower()[-1] == "\u03c2"}
    print(f"# Python {sys.version.split()[0]}, Unicode {unicodedata.unidata_version}")
    print("word", ranges([p for p in points if word.match(chr(p))]))
    print("space", ranges([p for p in points if not chr(p).split()]))
    print("punctuation", ranges([p for p in points if unicodedata.category(chr(p))[0] == "P"]))
    print("cased", ranges(cased))
    print("ignorable", ranges(sorted(through - set(cased))))
    for point in points:
        lowered = chr(point).lower()
        if lowered != chr(point):
            print("lower", f"{point:x}", *(f"{ord(c):x}" for c in lowered))


if __name__ == "__main__":
    main()
