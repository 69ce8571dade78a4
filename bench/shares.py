"""Where the time of a network goes: the table of what bench/shares.h counts."""


def add_shares(report, answers, peaks):
    """answers: {precision: the answer of a program whose last row has a `profile`}; peaks: GFLOP/s of each precision's
    product."""
    rows = []
    for precision, answer in answers.items():
        for part in answer["rows"][-1]["profile"]:
            if part["share"] < 0.005:
                continue
            speed = part["gflops"]
            rows.append([precision, part["kind"], part["nodes"], f"{part['ms']:.0f}", f"{part['share'] * 100:.0f} %",
                         f"{speed:.0f} ({speed / peaks[precision]:.2f})" if speed else ""])
    report.add("Where the time goes, layer by layer, of the longest above; in brackets the share of what our product's kernel reaches "
               "with all it needs in the nearest cache (of int8, also where layers stay in bf16).")
    report.add()
    report.table(["by", "kind of layer", "how many", "ms", "of all", "GFLOP/s"], rows)
