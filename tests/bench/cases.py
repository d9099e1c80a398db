# SPDX-License-Identifier: MIT
"""Which cases are measured. A case is a name, as case.hpp reads it: WHO/FORMAT/STYLE/FEATURES/SIZE/BATCH/SEGMENTS."""

import build

SIZE = 256
FORMATS = ["split", "packed"]
FEATURES = ["-", "e", "ei", "eo", "en"]
BATCHES = [1, 16, 64]
SEGMENTS = [1, 2, 3, 8, 64]
SIZES = [8, 64, 256, 1024, 4096, 32768]
FLOORS = {"floor": ["-", "o"], "fence": ["-", "o"], "unchecked": ["-"], "unchecked-fence": ["-"]}  # with their features
FIXED = [1, 2, 3, 8]  # numbers of segments that the compiler may know


def name_of(stem, batch, segments, size=SIZE):
    return f"{stem}/{size}/{batch}/{segments}"


def descriptors(features, segments):
    """Descriptors of the ring that one request takes."""
    return 1 if "i" in features and segments >= 3 else segments


def fits(stem, batch, segments, size=SIZE):
    features = stem.split("/")[3]
    return batch * descriptors(features, segments) <= size


def grid(stem, segments):
    return [name_of(stem, batch, count) for count in segments for batch in BATCHES if fits(stem, batch, count)]


def growth(stem):
    """By size of the queue (two requests of three segments), and by length of the chain (four requests)."""
    return ([name_of(stem, 2, 3, size) for size in SIZES], [name_of(stem, 4, count) for count in SEGMENTS])


def of_bursts():
    """The stems of submit_burst() and take_burst(), if the library has them. They take 1 or 3 segments."""
    return [f"virtq/{format_}/{style}/{features}" for format_ in FORMATS for style in ("burst", "burst-span")
            for features in ("e", "eo")] if build.has_bursts() else []


def phased(format_, segments):
    """Cases whose submit, device and take are timed separately. All have batches of 16: a shorter phase costs less than the
    clock."""
    stems = [f"{who}/{format_}/{style}/{features}" for who, some in (("virtq", ["e", "eo"]), ("fence", ["-", "o"]))
             for features in some for style in ("span", "fixed")]
    stems += [stem for stem in of_bursts() if f"/{format_}/" in stem]
    stems += [f"unchecked-fence/{format_}/{style}/-" for style in ("span", "fixed")] + [f"linux/{format_}/span/e"]
    return [name_of(stem, 16, segments) for stem in stems]


def before():
    """Cases of the library of an earlier commit, measured beside those of `phased`."""
    return [name_of("before/packed/fixed/e", 16, 1), *(name_of("before/split/fixed/e", 16, count) for count in (1, 3))]


def of_disks():
    """Reads of one segment and of three. Header and status take two more descriptors."""
    names = [name_of(f"virtq/disk-{format_}/span/e", batch, segments) for format_ in FORMATS for segments in (1, 3)
             for batch in (1, 16)]
    return names + [name_of("checked/disk-split/span/e", batch, 1) for batch in (1, 16)]


def of_publish():
    """publish() alone, of one chain and of 64."""
    return [name_of(f"virtq/{format_}/publish/e", batch, 1) for format_ in FORMATS for batch in (1, 64)]


def without_checks():
    """The stems of the drivers that virtq is compared with, except for Linux."""
    return [f"{who}/{format_}/{style}/{feature}" for format_ in FORMATS for who, features in FLOORS.items()
            for feature in features for style in ("span", "fixed")]


def kept():
    """The cases of instructions.tsv: all of virtq, and one of each driver without checks."""
    names = []
    for format_ in FORMATS:
        for features in FEATURES:
            names += grid(f"virtq/{format_}/span/{features}", SEGMENTS)
            names += grid(f"virtq/{format_}/fixed/{features}", FIXED)
        names += grid(f"virtq/negotiated-{format_}/span/e", SEGMENTS)
        names += [name for names_ in growth(f"virtq/{format_}/span/e") for name in names_]
    names += [name for stem in of_bursts() for name in grid(stem, [1, 3])]
    names += [name_of(stem, 16, 3) for stem in without_checks()]  # one is enough: they change only with the benchmark
    names += grid("virtq/plain-split/span/e", SEGMENTS)
    names += of_disks()
    return list(dict.fromkeys(names))


def of_other_architectures():
    """The cases of instructions-ARCH.tsv: the calls that run most often."""
    stems = [f"virtq/{format_}/{style}/{features}" for format_ in FORMATS
             for style, some in (("span", ["e", "ei", "eo", "en"]), ("fixed", ["e", "eo"])) for features in some]
    stems += [f"virtq/negotiated-{format_}/span/e" for format_ in FORMATS] + ["virtq/plain-split/span/e"]
    stems += [f"virtq/disk-{format_}/span/e" for format_ in FORMATS] + of_bursts()
    return [name_of(stem, batch, segments) for stem in stems for batch in (1, 16) for segments in (1, 3)]


def of_others():
    """The cases that virtq is compared with: the drivers without checks, and Linux."""
    names = [name for stem in without_checks() for name in grid(stem, FIXED if "/fixed/" in stem else SEGMENTS)]
    for format_ in FORMATS:
        for who in ("linux", "linux-sgs"):
            for features in ("-", "e", "ei", "en"):
                names += grid(f"{who}/{format_}/span/{features}", SEGMENTS)
        names += [name for names_ in growth(f"linux/{format_}/span/e") for name in names_]
        names += [name for names_ in growth(f"fence/{format_}/span/-") for name in names_]
    return list(dict.fromkeys(names))
