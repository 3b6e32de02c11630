"""What is read out of a comparison's figures: speeds at a recall, ratios to hnswlib, tables.

Standard library only. The figures of a set are what `peers.py` keeps as `peers.SET.json`.
"""

import json
import math

import places

TARGETS = [0.95, 0.99]
# Peers in the order of the tables, by the name they have in the figures.
LABELS = {
    "omendb": "**OmenDB**",
    "omendb-python": "**OmenDB**, called from Python",
    "diskann": "DiskANN3",
    "diskann-sq8": "DiskANN3, 8-bit codes",
    "zvec7": "zvec, 7-bit codes",
    "zvec4": "zvec, 4-bit codes",
    "svs": "SVS",
    "svs-lvq": "SVS, LVQ codes",
    "faiss": "Faiss HNSW, 8 bits",
    "usearch": "USearch, bf16",
    "vsag": "VSAG, 8-bit codes",
    "hnswlib": "hnswlib",
    "hnsw_rs": "hnsw_rs",
    "instant-distance": "instant-distance",
    "omendb-pypi": "omendb from PyPI, the predecessor",
}


def load(folder):
    """The figures of all sets that a folder holds, in the order of the sets."""
    paths = [folder / f"peers.{name}.json" for name in places.SETS]
    return [json.loads(path.read_text()) for path in paths if path.exists()]


def seconds(row, run, net):
    """Of a query; net of what a call costs, though a call cannot be more than nine tenths of it."""
    whole = 1 / run["qps"]
    return max(whole - 1e-6 * (row.get("call_us") or 0.0), 0.1 * whole) if net else whole


def qps_at(row, recall, net=True):
    """Queries a second at a recall; none if the sweep does not reach it. Between two points of the
    sweep the time of a query is taken as exponential in recall; below the first it is the first's."""
    points = sorted((run["recall"], seconds(row, run, net)) for run in row.get("runs", []))
    if points and points[0][0] >= recall:
        return 1 / points[0][1]
    for (low, fast), (high, slow) in zip(points, points[1:]):
        if low <= recall <= high:
            share = (recall - low) / (high - low) if high > low else 0.0
            return 1 / math.exp(math.log(fast) + share * (math.log(slow) - math.log(fast)))
    return None


def begins_beyond(row, recall):
    """Whether its narrowest search finds more than that already, so that it could be faster yet."""
    return "runs" in row and min(run["recall"] for run in row["runs"]) > recall


def machine(row, what):
    """How fast the machine was beside this peer, as a share of when hnswlib was measured."""
    return row.get("machine", {}).get(what, 1.0)


def build_ratio(kept, name):
    row, unit = kept["rows"].get(name, {}), kept["rows"]["hnswlib"]
    if "rows_per_second" not in row:
        return None
    return row["rows_per_second"] / unit["rows_per_second"] / machine(row, "rows_per_second")


def search_ratio(kept, name, recall, net=True):
    row, unit = kept["rows"].get(name, {}), kept["rows"]["hnswlib"]
    mine, theirs = qps_at(row, recall, net), qps_at(unit, recall, net)
    return mine / theirs / machine(row, "qps") if mine and theirs else None


def spread(sets):
    """How far the ratios of one engine lie apart: ours called natively and from Python, which build the same
    graph. So far the machine's moods may move any other ratio too."""
    apart = [1.0]
    for kept in sets:
        ratios = [lambda name: build_ratio(kept, name)]
        ratios += [lambda name, target=target: search_ratio(kept, name, target) for target in TARGETS]
        for ratio in ratios:
            one, other = ratio("omendb"), ratio("omendb-python")
            if one and other:
                apart.append(max(one, other) / min(one, other))
    return max(apart)


def cells(values, form):
    """Each value in a form; a dash where there is none."""
    return ["–" if value is None else format(value, form) for value in values]


def marked(values, apart, beyond):
    """Ratios as text: in bold the best and what is not further from it than the spread."""
    best = max((value for value in values if value is not None), default=None)
    texts = [("≥ " if above else "") + text for text, above in zip(cells(values, ".2f"), beyond)]
    return [f"**{text}**" if value is not None and value * apart >= best else text for value, text in zip(values, texts)]


def columns(kept, names, apart):
    """The ratios of a set as text: of the build, and of the searches at each target."""
    built = [build_ratio(kept, name) for name in names]
    found = [([search_ratio(kept, name, target) for name in names],
              [begins_beyond(kept["rows"].get(name, {}), target) for name in names]) for target in TARGETS]
    return [marked(built, apart, [False] * len(names)), *(marked(values, apart, beyond) for values, beyond in found)]


def said_of(apart):
    return (f"Bold marks the best of a column and all within {100 * (apart - 1):.0f} % of it. That is how far the two runs of "
            "OmenDB differ, native and from Python, though they build the same graph. "
            "≥ marks a library whose narrowest search already finds more.")


def label(kept, name):
    version = kept["rows"][name].get("version")
    return LABELS[name] + (f" {version}" if version else "")


def head(kept):
    """What the ratios of a set are ratios to."""
    unit = kept["rows"]["hnswlib"]
    speeds = " and ".join(f"{qps_at(unit, target):,.0f} queries/s at {target}" for target in TARGETS if qps_at(unit, target))
    return (f"{unit['rows']:,} rows, {kept['metric']}. hnswlib indexes {unit['rows_per_second']:,.0f} rows/s on "
            f"{kept['threads']} threads. On one thread it answers {speeds} of recall@10")


def table(kept):
    """All that is known of a set."""
    names = [name for name in LABELS if name in kept["rows"]]
    apart = spread([kept])
    ratios = columns(kept, names, apart)
    ratios += [cells([search_ratio(kept, name, 0.95, net=False) for name in names], ".2f")]
    lines = [
        f"### {kept['set']}", "",
        f"{kept['date']}, {kept['processor']}, commit {kept['commit']}, `--minutes {kept['minutes']:g} --timeout "
        f"{kept['timeout']:g}`, took {kept['seconds'] / 60:.0f} min. {head(kept)}. Each ratio is to hnswlib measured next "
        "to that library. The machine's speed at the time is divided out; column `machine` has it for build · searches, "
        f"relative to hnswlib. {said_of(apart)}", "",
        "| library | build | " + " | ".join(f"QPS at {target}" for target in TARGETS)
        + " | 0.95, with call overhead | machine | bytes a row | peak MiB | call overhead, µs | settings |",
        "|---|" + "---:|" * (len(ratios) + 4) + "---|",
    ]
    for place, name in enumerate(names):
        row = kept["rows"][name]
        if "failed" in row:
            lines.append(f"| {LABELS[name]} | " + "– | " * (len(ratios) + 4) + f"{row['failed']} |")
            continue
        rest = [f"{machine(row, 'rows_per_second'):.2f} · {machine(row, 'qps'):.2f}"]
        rest += cells([row["bytes_per_row"], row["peak_bytes"] / 2**20], ",.0f")
        rest += cells([row["call_us"]], ".1f") + [row["settings"]]
        lines.append(f"| {label(kept, name)} | " + " | ".join([column[place] for column in ratios] + rest) + " |")
    return "\n".join(lines) + "\n"


def document(sets):
    """`peers.md`: the tables of all sets."""
    return "\n".join(["## Peers\n", *(table(kept) for kept in sets)])


# Rows of the README's table: the best-known libraries, and those that are fastest beside OmenDB.
SHORT = ["omendb", "zvec4", "svs", "faiss", "hnswlib"]


def short_table(sets):
    """The README's: few libraries, one number a cell, and the best of the libraries that are left out."""
    sets = large(sets)
    searched, built = sets, max(sets, key=lambda kept: kept["rows"]["hnswlib"]["rows"])
    apart = spread(sets)
    searches = [columns(kept, SHORT, apart)[1] for kept in searched]
    builds = columns(built, SHORT, apart)[0]
    lines = [
        "| relative to hnswlib | " + " | ".join(f"queries/s, {kept['set']}" for kept in searched)
        + f" | build, {built['set']} |",
        "|---|" + "---:|" * (len(searched) + 1),
    ]
    for place, name in enumerate(SHORT):
        row = [column[place] for column in searches] + [builds[place]]
        lines.append(f"| {LABELS[name]} | " + " | ".join(row) + " |")
    others = [name for name in LABELS if name not in SHORT and not name.startswith("omendb")]
    best = [f"{kept['set']} {best_of(others, kept, lambda name, kept=kept: search_ratio(kept, name, 0.95), 0.95)}"
            for kept in searched]
    first, unit = searched[0], built["rows"]["hnswlib"]
    lines += [
        "",
        "Queries/s are at recall@10 of 0.95 on one thread, without call overhead. "
        f"Build is rows/s on {built['threads']} threads.", said_of(apart),
        f"The best libraries that are not shown: {'; '.join(best)}; build "
        f"{best_of(others, built, lambda name: build_ratio(built, name))}.",
        f"Measured on {first['date']}, {first['processor']}. On {built['set']} hnswlib indexes "
        f"{unit['rows_per_second']:,.0f} rows/s and answers {qps_at(unit, 0.95):,.0f} queries/s.",
    ]
    return "\n".join(lines) + "\n"


def best_of(names, kept, ratio, recall=None):
    """The best of some libraries by a ratio, as text."""
    known = [(ratio(name), name) for name in names]
    best, name = max((value, name) for value, name in known if value is not None)
    above = recall is not None and begins_beyond(kept["rows"][name], recall)
    return f"{'≥ ' if above else ''}{best:.2f} ({LABELS[name]})"


def large(sets):
    """The sets of more than ten thousand rows."""
    return [kept for kept in sets if kept["rows"]["hnswlib"]["rows"] > 10_000]


def wide_document(sets):
    """`peers-all.md`: every library on every set, a table for each figure."""
    names = [name for name in LABELS if any(name in kept["rows"] for kept in sets)]
    apart = spread(sets)
    groups = [columns(kept, names, apart) for kept in sets]
    sizes = [cells([kept["rows"].get(name, {}).get("bytes_per_row") for name in names], ",.0f") for kept in sets]
    lines = [
        "# All peers", "",
        "Written by `benches/peers/readme.py` from `peers.SET.json`. [peers.md](peers.md) has each set with settings, peak "
        "memory and call overhead.", "",
        f"Figures are ratios to hnswlib, except memory. {said_of(apart)} A dash is a recall that was not reached, or a "
        "library without figures; the reasons are below.", "",
    ]
    titles = ["Build, rows/s", *(f"Queries/s at recall@10 of {target}" for target in TARGETS)]
    for title, columns_of in [*((title, [group[i] for group in groups]) for i, title in enumerate(titles)),
                              ("Memory, bytes a row", sizes)]:
        lines += [f"## {title}", "", "| | " + " | ".join(kept["set"] for kept in sets) + " |",
                  "|---|" + "---:|" * len(sets)]
        lines += [f"| {LABELS[name]} | " + " | ".join(column[place] for column in columns_of) + " |"
                  for place, name in enumerate(names)]
        lines.append("")
    lines += ["## Runs", ""]
    for kept in sets:
        rows = kept["rows"]
        failed = [f"{LABELS[name]} ({rows[name]['failed'].rstrip('.')})" for name in LABELS
                  if "failed" in rows.get(name, {})]
        lacking = f" Without figures: {'; '.join(failed)}." if failed else ""
        lines.append(f"* {kept['set']}, {kept['date']}, {kept['processor']}, commit {kept['commit']}: {head(kept)}.{lacking}")
    return "\n".join(lines) + "\n"
