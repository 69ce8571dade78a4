"""Where the time of a network goes: the table of what bench/shares.h counts."""

BRACKETS = ("in brackets the share of what our product's kernel reaches with all it needs in the nearest cache (of int8, also where "
            "layers stay in bf16)")


def share_rows(kinds, milliseconds, peak):
    """kinds: of bench/shares.h; of all the milliseconds; peak: GFLOP/s of the product's kernel."""
    for kind in kinds:
        if kind["ms"] / milliseconds >= 0.005:
            speed = kind["gflops"]
            yield [kind["kind"], kind["nodes"], f"{kind['ms']:.{0 if kind['ms'] >= 10 else 1}f}", f"{kind['ms'] / milliseconds * 100:.0f} %",
                   f"{speed:.0f} ({speed / peak:.2f})" if speed else ""]


def add_shares(report, answers, peaks):
    """answers: {precision: the answer of a program whose last row has a `profile`}; peaks: GFLOP/s of each precision's
    product."""
    rows = []
    for precision, answer in answers.items():
        kinds = answer["rows"][-1]["profile"]
        rows += [[precision, *row] for row in share_rows(kinds, sum(kind["ms"] for kind in kinds), peaks[precision])]
    report.add(f"Where the time goes, layer by layer, of the longest above; {BRACKETS}.")
    report.add()
    report.table(["by", "kind of layer", "how many", "ms", "of all", "GFLOP/s"], rows)
