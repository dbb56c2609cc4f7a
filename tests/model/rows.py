# SPDX-License-Identifier: MIT
"""The searches of tests/model/run: which models, of what size, and what must come out."""
import os
import re

HERE = os.path.dirname(os.path.realpath(__file__))
CLASSES = {"ww": ["-DWOUND_WAIT"], "wd": ["-DWAIT_DIE"]}
CLASS_NAMES = {"ww": "wound-wait", "wd": "wait-die"}

# Kinds that each participant chooses from: 1 default set, 2 classic set, 4 plain, 8 a context that
# unlocks in any order, so it does all that a classic set does.
MIXES = {"default": 1, "classic": 2, "sets": 3, "sets and plain": 7, "contexts": 8, "everybody": 13}


def read_bounds():
    """What bounds.h says: a bound for each key, in the order there."""
    with open(os.path.join(HERE, "bounds.h"), encoding="utf-8") as file:
        lines = re.findall(r"^#define ((?:WW|WD)_\w+)\s+(\d+)$", file.read(), re.M)
    return {key: int(bound) for key, bound in lines}


BOUNDS = read_bounds()

FOUND = {
    "deadlock": r"invalid end state",
    "assert": r"assertion violated",
    "lost": r"assertion violated \(losses",
    "bound": r"assertion violated \(restarts",
    "empty": r"assertion violated \(held",
    "starves": r"acceptance cycle",
}



class Row:
    """
    One search: a model, its parameters, and what must come out.  R and H of the library are larger:
    they are not searched.
    """

    def __init__(self, cls, size, mix="sets and plain", R=1, H=1, options=(), bug=(), found=None,
                 live=None, model="lockset", bound=None, dealt=False, same=False, big=False):
        self.cls, self.size, self.mix, self.big = cls, size, mix, big
        self.R, self.H, self.options, self.live, self.model = R, H, tuple(options), live, model
        self.bug = (bug,) if isinstance(bug, str) else tuple(bug)
        self.found = found  # how the defect shows; None: nothing must be found
        self.same = same    # the defect is none: other rules cover it
        self.dealt = dealt  # any stamp may get any place
        self.bound = bound  # key of bounds.h; None: no bound, or nothing to count
        self.restarts = BOUNDS[bound] if bound else None

    def name(self):
        words = [self.model, CLASS_NAMES[self.cls], self.size, self.mix]
        if MIXES[self.mix] & 1:
            words.append(f"R={self.R}")
        if not self.dealt:
            words.append("fixed places")
        if self.H != 1:
            words.append(f"H={self.H}")
        words += [option.lower().replace("_", " ") for option in self.options]
        if self.live is not None:
            words.append("all commit" if self.live == "ALL" else f"participant {self.live} commits")
        words += [("without: " if self.same else "defect: ") + b.lower().replace("_", " ")
                  for b in self.bug]
        return ", ".join(words)

    def defines(self):
        num_threads, num_locks = (int(n) for n in self.size.split("x"))
        kinds = sum(MIXES[self.mix] << 4 * p for p in range(num_threads))
        defines = [f"-DNT={num_threads}", f"-DNL={num_locks}", f"-DKINDS={kinds}",
                   f"-DR={self.R}", f"-DH={self.H}", *CLASSES[self.cls]]
        defines += [f"-D{option}" for option in self.options]
        defines += [f"-DBUG_{bug}" for bug in self.bug]
        if self.dealt:
            defines.append("-DORDER=3")
        if self.live is None:
            defines.append("-DCOUNT")
            if self.restarts is not None:
                defines.append(f"-DB={self.restarts}")
        else:
            defines.append("-DLIVE_ALL" if self.live == "ALL" else f"-DLIVE={self.live}")
        return defines


def bound(cls, size, mix, R=1, suffix="", **more):
    """The bound that bounds.h names for these, whatever else is in the row."""
    key = f"{cls}_{mix.replace(' ', '_')}_{size}".upper()
    key += f"_R{R}" if MIXES[mix] & 1 else ""
    return Row(cls, size, mix=mix, R=R, bound=key + suffix,
               dealt=not suffix.endswith(("_LOOP", "_FIXED")), **more)


def live(cls, size, who, **more):
    """Under weak fairness everybody commits, or one does while the others never end."""
    options = list(more.pop("options", []))
    if who != "ALL":
        options.append("LOOP")
        last = int(size[0]) - 1
        options.append("LOOP_FIRST=1" if who == 0 else f"LOOP_LAST={last - 1}")
    return Row(cls, size, live=who, options=options, **more)


def defect(cls, size, bug, found, **more):
    return Row(cls, size, bug=bug, found=found, **more)


def bounds_short():
    """Those that the explorer asserts, but for the largest, and others of their size."""
    invariants = {"options": ["INVARIANTS"]}
    for cls in CLASSES:
        yield bound(cls, "2x2", "sets", R=2, **invariants)
        yield bound(cls, "2x2", "contexts", **invariants)
        yield bound(cls, "3x2", "sets", R=2)
        yield bound(cls, "3x2", "contexts")
        yield bound(cls, "3x2", "everybody", R=2, **invariants)
        yield bound(cls, "3x3", "sets", R=2, **invariants)
        yield bound(cls, "3x3", "contexts", **invariants)
        yield bound(cls, "3x3", "everybody", R=2)
        yield bound(cls, "4x3", "classic")
        yield bound(cls, "3x2", "everybody", R=2, suffix="_INTERRUPT",
                    options=["INTERRUPT", "INVARIANTS"])
        yield bound(cls, "3x2", "everybody", R=2, options=["SPURIOUS", "INVARIANTS"])
    yield bound("ww", "3x3", "default")
    yield bound("wd", "3x2", "default")
    yield bound("ww", "4x2", "sets")
    yield bound("ww", "4x3", "default", suffix="_FIXED")
    yield bound("ww", "3x2", "sets", R=2, suffix="_LOOP", options=["LOOP"])


def bounds_long():
    for cls in CLASSES:
        yield bound(cls, "4x2", "everybody", big=True)
        yield bound(cls, "4x3", "sets", suffix="_FIXED", big=True)
        yield bound(cls, "4x4", "classic", big=True)
        yield bound(cls, "3x3", "everybody", R=2, options=["SPURIOUS", "INVARIANTS"], big=True)
        yield bound(cls, "3x3", "everybody", R=2, suffix="_INTERRUPT",
                    options=["INTERRUPT", "INVARIANTS"], big=True)
        yield bound(cls, "3x2", "everybody", suffix="_LOOP", options=["LOOP"], big=True)
        yield bound(cls, "3x2", "classic", model="steps", big=True)
    yield bound("ww", "4x3", "contexts", big=True)
    yield bound("wd", "4x2", "sets", big=True)
    yield bound("wd", "4x3", "default", suffix="_FIXED", big=True)
    yield bound("wd", "3x2", "sets", R=2, suffix="_LOOP", options=["LOOP"])


def liveness(mix, **more):
    for cls in CLASSES:
        for who in ("ALL", 0, 2):
            yield live(cls, "3x2", who, mix=mix, **more)
        yield live(cls, "3x3", "ALL", mix=mix, **more)


def short_rows():
    """
    Not among the defects, since these models cannot show them: a queue in order of arrival under
    wound-wait (no bound of these sizes rises), an interrupt that beats the mutex or a hand-off
    (who gave up begins anew here, and so wakes whom it left asleep), a count of passing over that
    is lost (nobody starves in these sizes).  The planted bugs of tests/planted/ show them in the
    explorer.
    """
    return [
        *bounds_short(),
        *liveness("sets"),
        # Every atomic access a step.
        *(bound(cls, "2x2", "sets", R=2, model="steps") for cls in CLASSES),
        *(bound(cls, "2x2", "contexts", model="steps") for cls in CLASSES),
        *defects_ww(), *defects_wd(), *defects_steps(),
    ]


def defects_ww():
    sets = {"mix": "sets", "R": 2, "bound": "WW_SETS_3X2_R2"}
    return [
        defect("ww", "3x2", "NO_CHECK_ON_BARGE", "deadlock"),
        defect("ww", "3x2", "NO_CHECK_ON_RETRY", "deadlock"),
        defect("ww", "3x3", "FIRST_WAITER_ONLY", "deadlock"),
        defect("ww", "3x2", "NO_WOUND", "deadlock"),
        defect("ww", "3x2", "NO_WAKE_OF_WOUNDED", "deadlock"),
        defect("ww", "3x2", "NO_WAKE_OF_FIRST", "deadlock"),
        defect("ww", "3x2", "NO_CHECK_AT_QUEUEING", "deadlock"),
        defect("ww", "3x2", "NO_CHECK_AFTER_WAKE", "deadlock"),
        defect("ww", "3x2", "EMPTY_WOUNDS", "bound", **sets),
        defect("ww", "3x2", "CONTENDED_NOT_FIRST", "bound", **sets),
        defect("ww", "3x2", "NO_FALL_BACK", "lost"),
        defect("ww", "3x2", "NO_WOUND", "assert", options=["INVARIANTS"]),
        live("ww", "3x2", "ALL", bug="WOUND_KEPT", found="starves"),
        live("ww", "3x2", 0, bug="NO_HAND_OFF", found="starves"),
        live("ww", "3x2", 0, bug="NEW_STAMP", found="starves"),
    ]


def defects_wd():
    sets = {"mix": "sets", "R": 2, "bound": "WD_SETS_3X2_R2"}
    return [
        defect("wd", "3x3", "NO_CHECK_ON_BARGE", "deadlock"),
        defect("wd", "3x3", "FIRST_WAITER_ONLY", "deadlock"),
        defect("wd", "3x2", "OWNER_KILLS_NOT", "deadlock"),
        defect("wd", "3x2", ("NO_WAKE_AT_QUEUEING", "NO_CHECK_ON_RETRY"), "deadlock"),
        defect("wd", "3x3", ("NO_WAKE_AT_QUEUEING", "NO_CHECK_ON_HAND_OFF"), "deadlock"),
        defect("wd", "3x2", ("QUEUE_KILLS_NOT", "NO_CHECK_ON_RETRY"), "deadlock"),
        defect("wd", "3x2", ("QUEUE_KILLS_NOT", "NO_CHECK_ON_HAND_OFF"), "deadlock"),
        defect("wd", "3x2", "NO_WAKE_OF_FIRST", "deadlock"),
        defect("wd", "3x2", "NO_CHECK_AT_QUEUEING", "deadlock"),
        defect("wd", "3x3", "NO_CHECK_AFTER_WAKE", "deadlock"),
        defect("wd", "3x2", "DEFAULT_SLEEPS", "deadlock"),
        defect("wd", "3x2", "FIRST_LOCK_DIES", "empty"),
        defect("wd", "3x2", "DEFAULT_KILLS", "bound", **sets),
        defect("wd", "3x2", "QUEUE_UNSORTED", "assert"),
        defect("wd", "3x2", "CONTENDED_NOT_FIRST", "bound", **sets),
        defect("wd", "3x2", "NO_FALL_BACK", "lost"),
        live("wd", "3x2", 0, bug="NO_HAND_OFF", found="starves"),
        live("wd", "3x2", 0, bug="NEW_STAMP", found="starves"),
    ]


def defects_steps():
    steps = {"model": "steps"}
    return [
        defect("ww", "2x2", "FAST_TAKES_MARKED", "assert", **steps),
        defect("ww", "2x2", "FAST_RELEASE_OF_MARKED", "assert", **steps),
        defect("wd", "2x2", "MARK_STAYS", "assert", **steps),
        defect("ww", "2x2", "READS_WORD_LATE", "deadlock", **steps),
        defect("ww", "2x2", "PUBLISHES_LATE", "deadlock", **steps),
        defect("ww", "2x2", "LOOKS_BEFORE_IT_WOUNDS", "deadlock", **steps),
    ]


def spare_rules():
    """Rules that others cover: dropping one alone changes nothing that can be seen."""
    for cls, bug in (("ww", "NO_CHECK_ON_HAND_OFF"), ("wd", "NO_CHECK_ON_HAND_OFF"),
                     ("wd", "NO_CHECK_ON_RETRY"), ("wd", "NO_WAKE_AT_QUEUEING")):
        yield bound(cls, "4x2", "everybody", bug=bug, same=True, big=True)


def long_rows():
    return [*bounds_long(), *liveness("everybody", big=True), *spare_rules()]
