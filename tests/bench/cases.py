# SPDX-License-Identifier: MIT
"""Which cases are measured. A case is a name, as case.hpp reads it: WHO/FORMAT/STYLE/FEATURES/SIZE/BATCH/SEGMENTS."""

SIZE = 256
FORMATS = ["split", "packed"]
FEATURES = ["-", "e", "ei", "eo", "en"]
BATCHES = [1, 16, 64]
SEGMENTS = [1, 2, 3, 8, 64]
SIZES = [8, 64, 256, 1024, 4096, 32768]
FIXED = [1, 2, 3, 8]  # numbers of segments that are compiled


def name_of(stem, batch, segments, size=SIZE):
    return f"{stem}/{size}/{batch}/{segments}"


def descriptors(features, segments):
    """Of the ring, for one request."""
    return 1 if "i" in features and segments >= 3 else segments


def fits(stem, batch, segments, size=SIZE):
    features = stem.split("/")[3]
    return batch * descriptors(features, segments) <= size


def grid(stem, segments):
    return [name_of(stem, batch, count) for count in segments for batch in BATCHES if fits(stem, batch, count)]


def growth(stem):
    """By size of the queue (two requests of three segments), and by length of the chain (four requests)."""
    return ([name_of(stem, 2, 3, size) for size in SIZES], [name_of(stem, 4, count) for count in SEGMENTS])


def kept():
    """Those of instructions.tsv: all of ours, and the least that there is."""
    names = []
    for format_ in FORMATS:
        for features in FEATURES:
            names += grid(f"virtq/{format_}/span/{features}", SEGMENTS)
            names += grid(f"virtq/{format_}/fixed/{features}", FIXED)
        for features in ("e", "eo", "en"):
            names += grid(f"virtq/{format_}/burst/{features}", [1, 3])
        names += grid(f"virtq/negotiated-{format_}/span/e", SEGMENTS)
        names += [name for names_ in growth(f"virtq/{format_}/span/e") for name in names_]
        for who in ("floor", "fence"):
            names += grid(f"{who}/{format_}/span/-", SEGMENTS) + grid(f"{who}/{format_}/fixed/-", FIXED)
    names += grid("virtq/plain-split/span/e", SEGMENTS)
    return list(dict.fromkeys(names))


def of_linux():
    names = []
    for format_ in FORMATS:
        for who in ("linux", "linux-sgs"):
            for features in ("-", "e", "ei", "en"):
                names += grid(f"{who}/{format_}/span/{features}", SEGMENTS)
        names += [name for names_ in growth(f"linux/{format_}/span/e") for name in names_]
        names += [name for names_ in growth(f"fence/{format_}/span/-") for name in names_]
    return list(dict.fromkeys(names))
