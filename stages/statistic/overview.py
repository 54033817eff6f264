"""What all studies say together: a line for each answer that a study gives, and one sentence over all of them."""

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

import pandas as pd

from stages.statistic.findings import (
    ALL,
    Verdict,
    causes,
    d_with_interval,
    does_not_count,
    names_of,
    near_paper,
    overall,
    reason,
    runs_needed,
)
from stages.statistic.judge import NO, UNDECIDED, YES
from stages.statistic.sentences import listed
from stages.statistic.study import highest_of

AXES = {  # in a sentence, and as a heading
    "alpha": "the strength of a penalty",
    "width": "width",
    "round": "rounds of pruning",
    "epoch": "epochs",
    "images": "training images",
    "features": "features",
}


def axis_in_words(over: str) -> str:
    return AXES.get(over, over.replace("_", " "))


class Line(NamedTuple):
    """The groups of a study that have one answer."""

    answer: str
    verdicts: dict[str, Verdict]  # by the names of these groups

    @property
    def groups(self) -> str:
        """Their names; empty where the study has but one group."""
        return "" if ALL in self.verdicts else names_of([*self.verdicts])

    @property
    def verdict(self) -> Verdict:
        """That of the group with the highest D."""
        return highest_of(self.verdicts)

    @property
    def height(self) -> str:
        return d_with_interval(self.verdict)

    @property
    def why(self) -> str:
        """What the answer is due to, and for how many groups where it is not so for all; empty for a yes."""
        every = len(self.verdicts)
        needed = [count for found in self.verdicts.values() if (count := runs_needed(found))]
        whys = []
        if needed:
            runs = " to ".join(f"{count:,}" for count in sorted({min(needed), max(needed)}))
            these = "it" if every == 1 else "each" if len(needed) == every else f"{len(needed)} of {every}"
            whys.append(f"about {runs} runs would probably decide {these}")
        counts = Counter(why for found in self.verdicts.values() for why in _due_to(found))
        whys += [why if count == every else f"{count} of {every}: {why}" for why, count in counts.most_common()]
        return "; ".join(whys)

    @property
    def does_not_count(self) -> bool:
        return does_not_count(self.verdict)

    @property
    def ends(self) -> tuple[float, float, float]:
        """The lower end of the interval, D, and the upper end; D itself where there is no interval."""
        height: float = self.verdict["D"]
        return self.verdict.get("D_low", height), height, self.verdict.get("D_high", height)


def _due_to(verdict: Verdict) -> list[str]:
    """What its answer is due to, other than the number of runs."""
    if verdict["answer"] == UNDECIDED:
        return [] if runs_needed(verdict) else [reason(verdict).long]
    return causes(verdict)


def lines(verdicts: dict[str, Verdict]) -> list[Line]:
    """Of one study, a line an answer, a yes first."""
    found = []
    for answer in (YES, UNDECIDED, NO):
        groups = {name: verdict for name, verdict in verdicts.items() if verdict["answer"] == answer}
        if groups:
            found.append(Line(answer, groups))
    return found


MOST = 60  # letters of the names of groups in the table of all answers


def summary(asks: Mapping[str, str], verdicts: Mapping[str, dict[str, Verdict]]) -> pd.DataFrame:
    """A line of words a study: its question, its answers, and the highest D of the groups with the first of these."""
    rows = []
    for name, found in verdicts.items():
        answers = lines(found)
        said = "; ".join(_in_short(line, found) for line in answers)
        rows.append([f"[{asks[name]}](RESULTS.md#{name}) `{name}`", said, answers[0].height])
    return pd.DataFrame(rows, columns=["question", "answer", "highest D of the answer named first, points [95 %]"])


def _in_short(line: Line, verdicts: dict[str, Verdict]) -> str:
    """The answer and where, such as "yes: width 200", or how often, where the names are long."""
    answer, why = f"**{line.answer}**", ""
    if line.does_not_count:
        why = f" ({line.why})"
    if not line.groups:
        return f"{answer}{why}"
    if len(line.groups) <= MOST:
        return f"{answer}: {line.groups}{why}"
    return f"{answer}: {sum(found['answer'] == line.answer for found in verdicts.values())} of {len(verdicts)}{why}"


def sentence(verdicts: Mapping[str, dict[str, Verdict]], over: Mapping[str, str]) -> str:
    """How many studies give which answer, and over which axes a double descent is real."""
    answers = {name: overall([*found.values()]) for name, found in verdicts.items()}
    axes = list(dict.fromkeys(axis_in_words(over[name]) for name, answer in answers.items() if answer == YES))
    counts = {answer: sum(one == answer for one in answers.values()) for answer in (YES, NO, UNDECIDED)}
    where = f"none of {len(answers)} studies beside the paper's grid"
    if axes:
        where = f"{counts[YES]} of {len(answers)} studies beside the paper's grid, over {listed(axes)}"
    none = f"there is none in {counts[NO]}, and in {counts[UNDECIDED]} it is undecided"
    return f"A double descent is real in {where}; {none}."


def sentence_of_grid(verdicts: Mapping[str, Verdict], paper: pd.DataFrame) -> str:
    """Whether the paper's numbers are there again, and what its grid answers, in short."""
    said = []
    if len(paper):
        near = near_paper(paper).sum()
        said.append(f"Of its {len(paper)} numbers {near} lie within 2 points or 2 standard deviations of ours.")
    together: dict[tuple[str, str], list[str]] = {}
    for name, found in verdicts.items():
        together.setdefault((found["answer"], reason(found).short), []).append(name)
    parts = [
        f"{answer} at {names_of(names)}{f' ({short})' if short else ''}" for (answer, short), names in together.items()
    ]
    if parts:
        text = "; ".join(parts)
        said.append(f"A sparse double descent over alpha? {text[0].upper()}{text[1:]}.")
    return " ".join(said)
