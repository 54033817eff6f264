"""The `readings` of studies/params.yaml: questions to the networks of a study, for which nothing is trained."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from stages.base.params import Count, Group, NotNegative, unique

KINDS = {  # of measures, with the ways to train whose cells they can read
    "heads": ("fit", "prune", "finetune"),
    "sweep": ("finetune",),
    "kernels": ("fit",),
    "inside": ("fit",),
    "shifts": ("fit",),
    "lengths": ("fit", "prune"),
    "prequential": ("prequential",),
    "smoother": ("smooth",),
}
# answers whose least value may choose a point of the axis
CHOOSING = ("two_part_bits", "description_bits", "description_bits_calibrated")
# units of answers: of RELATIVE only ratios are comparable, and a REFERENCE is what others are compared with
ERROR, SHARE, RELATIVE, REFERENCE = "error", "share", "relative", "reference"
SWEPT = "features"  # the axis of a sweep, whatever that of its study is


class Reading(Group):
    """One question to the cells of a study, along that study's axis."""

    asks: Annotated[str, Field(min_length=1)]
    expects: str  # what should come out, and who says so
    reads: str  # the name of the study
    measures: Literal["heads", "sweep", "kernels", "inside", "shifts", "lengths", "prequential", "smoother"]
    # of an option of its grid, the values that are read
    where: dict[str, Annotated[list[Any], Field(min_length=1)]] = Field(default_factory=dict)
    seeds: Count | None = None  # the first so many runs; None: all
    # of the penalties of refitted heads, or the ridges of kernel regressions
    strength: Annotated[list[NotNegative], AfterValidator(unique)] = Field(default_factory=list)
