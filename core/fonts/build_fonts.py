"""Make the bundled fonts from their originals: `python build_fonts.py ORIGINALS_DIRECTORY`.

Run by hand, and only to change what is bundled; it needs fontTools, which the product doesn't. The
originals are the TrueType files of Debian's fonts-ebgaramond-extra, fonts-noto-core and
fonts-dejavu-core packages. Their licences, OFL.txt and DejaVu-LICENSE.txt, allow the changes.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fontTools import subset  # type: ignore[import-not-found, unused-ignore]
from fontTools.ttLib import (  # type: ignore[import-not-found, unused-ignore]
    TTFont,
    newTable,
)
from fontTools.ttLib.tables._k_e_r_n import (  # type: ignore[import-not-found, unused-ignore]
    KernTable_format_0,
)

EUROPEAN = (
    "20-7E,A0-52F,1E00-1FFF,2000-2070,2074-208E,20A0-20BF,2100-214F,2190-2193,2200-2265,"
    "FB00-FB04,FFFD"
)
OTHER_ALPHABETS = "530-58F,590-5FF,E00-E7F,10A0-10FF,2D00-2D2F"
ARABIC_AND_SYMBOLS = (
    "20,600-6FF,FB50-FBFF,FE70-FEFF,2010-2027,2190-21FF,2200-22FF,25A0-26FF,2D30-2D7F,FFFD"
)
CHARACTERS = {
    "EBGaramond12-Regular": EUROPEAN,
    "EBGaramond12-Italic": EUROPEAN,
    "NotoSerif-Regular": EUROPEAN,
    "NotoSerifArmenian-Regular": OTHER_ALPHABETS,
    "NotoSerifGeorgian-Regular": OTHER_ALPHABETS,
    "NotoSerifHebrew-Regular": OTHER_ALPHABETS,
    "NotoSerifThai-Regular": OTHER_ALPHABETS,
    "DejaVuSans": ARABIC_AND_SYMBOLS,
}
# Only the faces a name is set in large are kerned, and only where an eye would see it.
KERNED = ("EBGaramond12-Regular", "EBGaramond12-Italic")
# The glyphs that stand as digits: of the italic, only the tabular figures are evenly spaced.
LINING_FIGURES = {"EBGaramond12-Regular": "lnum", "EBGaramond12-Italic": "tablining"}
KERNED_CHARACTERS = "20-2F,3A-7E,A0-17F,386-3CE,400-45F,1EA0-1EF9,2019,2013"
SMALLEST_KERN = 12  # thousandths of the size
DROPPED_TABLES = ["FFTM", "GSUB", "GPOS", "GDEF", "DSIG", "gasp", "hdmx", "VDMX", "LTSH", "kern"]


def code_points(ranges: str) -> Iterator[int]:
    """The code points of comma-separated hexadecimal ranges."""
    for part in ranges.split(","):
        first, _, last = part.partition("-")
        yield from range(int(first, 16), int(last or first, 16) + 1)


def use_lining_figures(font: TTFont, variant: str) -> None:
    """Let the digits be as high as capitals: the old-style 1 of this face reads as a small I."""
    old_style = font.getBestCmap()
    lining = {digit: f"{old_style[digit]}.{variant}" for digit in range(0x30, 0x3A)}
    for table in font["cmap"].tables:
        table.cmap.update({digit: name for digit, name in lining.items() if digit in table.cmap})


def kern_of(font: TTFont, left: str, right: str) -> int:
    """The horizontal kerning of two glyphs by the font's own GPOS table, in font units."""
    table = font["GPOS"].table
    lookups = {
        index
        for record in table.FeatureList.FeatureRecord
        if record.FeatureTag == "kern"
        for index in record.Feature.LookupListIndex
    }
    for index in sorted(lookups):
        for subtable in table.LookupList.Lookup[index].SubTable:
            value = _pair_value(getattr(subtable, "ExtSubTable", subtable), left, right)
            if value is not None:
                return value
    return 0


def _pair_value(subtable: Any, left: str, right: str) -> int | None:
    """What one subtable says of a pair; None when it leaves the pair to the next."""
    if type(subtable).__name__ != "PairPos" or left not in subtable.Coverage.glyphs:
        return None
    if subtable.Format == 1:
        pair_set = subtable.PairSet[subtable.Coverage.glyphs.index(left)]
        for record in pair_set.PairValueRecord:
            if record.SecondGlyph == right:
                return getattr(record.Value1, "XAdvance", 0) or 0
        return None
    first = subtable.ClassDef1.classDefs.get(left, 0)
    second = subtable.ClassDef2.classDefs.get(right, 0)
    if not second:
        return None
    value = subtable.Class1Record[first].Class2Record[second].Value1
    return getattr(value, "XAdvance", 0) or 0


def kerning(font: TTFont) -> dict[tuple[str, str], int]:
    """The visible kerning pairs among the characters that are kerned."""
    names = font.getBestCmap()
    glyphs = sorted({names[c] for c in code_points(KERNED_CHARACTERS) if c in names})
    pairs = {(left, right): kern_of(font, left, right) for left in glyphs for right in glyphs}
    return {pair: value for pair, value in pairs.items() if abs(value) >= SMALLEST_KERN}


def main() -> None:
    """Write every bundled font beside this file."""
    originals = Path(sys.argv[1])
    for name, ranges in CHARACTERS.items():
        font = TTFont(next(originals.rglob(f"{name}.ttf")), recalcTimestamp=False)
        pairs = {}
        if name in LINING_FIGURES:
            use_lining_figures(font, LINING_FIGURES[name])
        if name in KERNED:
            pairs = kerning(font)
        options = subset.Options(
            hinting=False,
            layout_features=[],
            name_IDs=["*"],
            name_legacy=True,
            notdef_outline=True,
            glyph_names=False,
            recalc_timestamp=False,
        )
        options.drop_tables += DROPPED_TABLES
        subsetter = subset.Subsetter(options)
        subsetter.populate(unicodes=code_points(ranges))
        subsetter.subset(font)
        if pairs:
            table = KernTable_format_0()
            table.coverage, table.version, table.apple = 1, 0, False
            table.kernTable = pairs
            font["kern"] = newTable("kern")
            font["kern"].version, font["kern"].kernTables = 0, [table]
        font.save(Path(__file__).parent / f"{name}.ttf")
        sys.stdout.write(f"{name}: {len(pairs)} kerning pairs\n")


if __name__ == "__main__":
    main()
