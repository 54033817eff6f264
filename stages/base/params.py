"""The contents of params.yaml: every number a user may vary, typed and checked."""

import math
import re
import reprlib
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from stages.base.datasets import CLASSES, OWN_FOLDER, SETS

T = TypeVar("T")
P = TypeVar("P", bound=BaseModel)
LEAST_RUNS = 3  # for an interval
ENSEMBLES = LEAST_RUNS  # of as many runs each: as few as have an interval
LEAST_POINTS = 3  # of an axis: a peak and a valley on either side
MOST = 10**9  # of anything: more is a slip, and in products too much for 64 bits
Count = Annotated[int, Field(ge=1, le=MOST)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
# bounded: YAML's aliases make a line of text a document of billions
SHOWN = reprlib.Repr()
SHOWN.maxlevel, SHOWN.maxlist, SHOWN.maxstring, SHOWN.maxother = 3, 20, 200, 200


class ParamsError(ValueError):
    """A parameter that is not allowed, in one line: its key's path, its value, what is allowed."""


def unique(values: list[T]) -> list[T]:
    for value in values:
        if values.count(value) > 1:
            raise ValueError(f"{value} stands in it {values.count(value)} times; every value once")
    return values


def _ascending(values: list[T]) -> list[T]:
    if values != sorted(values):  # type: ignore[type-var]
        raise ValueError(f"must ascend: {sorted(values)}")  # type: ignore[type-var]
    return values


def _in_float32(value: float) -> float:
    if not (value <= 1e30 and (value <= 0 or value >= 1e-30)):
        raise ValueError("should be a finite number, at most 1e+30 and, if it is not 0, at least 1e-30")
    return value


NotNegative = Annotated[float, Field(ge=0), AfterValidator(_in_float32)]
Positive = Annotated[float, Field(gt=0), AfterValidator(_in_float32)]


class Group(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


UNREADABLE = {"na", "nan", "null", "none", "n", "inf", "infinity", "true", "false"}  # which tables take for values


class Data(Group):
    name: Literal["mnist", "fashion_mnist", "kmnist", "digits", "file"]
    path: str | None  # of name file
    train_per_class: Count
    test_per_class: Count
    label_noise: Annotated[float, Field(ge=0, lt=1)]
    redraw: Literal["none", "noise", "images", "all"]
    permute: bool
    seed: Seed

    @field_validator("path")
    @classmethod
    def _of_a_file_in_the_folder_for_it(cls, path: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("name") != "file":
            return path
        if path is None:
            raise ValueError(f"is no path, and name is 'file'; write one such as {OWN_FOLDER}/rings.npz")
        if not re.fullmatch(rf"{OWN_FOLDER}(/[\w-][\w.-]*)+", path, re.ASCII):
            raise ValueError(
                f"should be in {OWN_FOLDER}, where DVC sees what changes, such as {OWN_FOLDER}/rings.npz; names are of "
                "the letters a to z, digits, '.', '_' and '-'"
            )
        if dataset_of(path) in SETS:
            raise ValueError(f"has the name of a data set that is known here, {dataset_of(path)!r}; rename the file")
        if not re.match("[A-Za-z]", dataset_of(path)) or dataset_of(path).lower() in UNREADABLE:
            raise ValueError("has a name that a table cannot hold as text; rename it so that it begins with a letter")
        return path

    @property
    def dataset(self) -> str:
        """The set's name in tables and captions."""
        return self.name if self.name != "file" or self.path is None else dataset_of(self.path)


def dataset_of(path: str) -> str:
    """The name of a file of somebody's own data: its file name without .npz."""
    return path.rpartition("/")[2].removesuffix(".npz")


class Grid(Group):
    width: Annotated[list[Count], Field(min_length=1), AfterValidator(unique)]
    alpha: Annotated[list[NotNegative], Field(min_length=1), AfterValidator(unique)]

    def cells(self) -> list[tuple[int, float]]:
        """Every width with every alpha, in the order of params.yaml."""
        return [(width, alpha) for width in self.width for alpha in self.alpha]


PENALTIES = {  # whether a penalty has subgradients, and whether it has proximal steps
    "induced_1norm": (True, False),
    "l1": (True, True),
    "l2": (True, True),
    "elastic": (True, True),
    "group_l1": (True, True),
    "group_l1_out": (True, True),
    "log_sum": (True, True),
    "l0_count": (False, True),
    "l0": (False, True),
    "none": (True, False),
}


class Descent(Group):
    """Gradient descent, whatever it trains."""

    seeds: Count
    images: Count | None
    epochs: Count
    batch_size: Count
    loss: Literal["cross_entropy", "squared"]
    rule: Literal["sgd", "momentum", "nesterov", "adam"]
    lr: Positive
    momentum: Annotated[float, Field(gt=0, lt=1)]
    schedule: Literal["constant", "step", "inverse_sqrt", "cosine", "decay_last"]
    decay_share: Annotated[float, Field(gt=0, lt=1)]
    eval_every: Count
    stop_at_train_error: Annotated[float, Field(ge=0, lt=1)] | None

    @field_validator("decay_share")
    @classmethod
    def _of_some_epoch(cls, share: float, info: ValidationInfo) -> float:
        epochs = info.data.get("epochs", MOST)
        if info.data.get("schedule") == "decay_last" and round(share * epochs) == 0:
            raise ValueError(f"of {epochs} epochs is none")
        return share


class Train(Descent):
    depth: Annotated[int, Field(ge=1, le=100)]
    lr_scale: list[NotNegative]
    average_epochs: Annotated[int, Field(ge=2, le=MOST, multiple_of=2)]
    penalty: Literal[
        "induced_1norm", "l1", "l2", "elastic", "group_l1", "group_l1_out", "log_sum", "l0_count", "l0", "none"
    ]
    solver: Literal["subgradient", "proximal"]
    penalty_scale: list[NotNegative]
    penalize_bias: bool
    shift: Annotated[int, Field(ge=0, le=100)]

    @field_validator("lr_scale", "penalty_scale")
    @classmethod
    def _one_for_each_layer(cls, scale: list[float], info: ValidationInfo) -> list[float]:
        layers = info.data.get("depth", len(scale) - 1) + 1
        if len(scale) == 1:
            scale = [*scale] * layers
        if len(scale) != layers:
            raise ValueError(
                f"should hold {layers} numbers, one for each layer, or one for all: train.depth is {layers - 1}"
            )
        return scale

    @field_validator("solver")
    @classmethod
    def _has_step(cls, solver: str, info: ValidationInfo) -> str:
        penalty, rule = info.data.get("penalty", "l1"), info.data.get("rule", "sgd")
        place = ["subgradient", "proximal"].index(solver)
        if not PENALTIES[penalty][place]:
            having = ", ".join(repr(name) for name, has in PENALTIES.items() if has[place])
            raise ValueError(f"has a step for the penalties {having}, not for {penalty!r}")
        if solver == "proximal" and rule not in ("sgd", "momentum"):
            raise ValueError(f"has a step for the rules 'sgd' and 'momentum', not for {rule!r}")
        return solver


class Prequential(Train):
    """Training whose labels are coded block after block; see training/prequential.py."""

    first_block: Count

    @field_validator("loss")
    @classmethod
    def _gives_probabilities(cls, loss: str) -> str:
        if loss != "cross_entropy":
            raise ValueError("gives no probabilities, of which a code is made; take cross_entropy")
        return loss


class Smooth(Group):
    """Gradient descent that is followed as a smoother; see training/smooth.py."""

    seeds: Count
    images: Count | None
    lr: Positive
    steps: Count


class Finetune(Group):
    """A classifier of torchvision; see training/finetune.py."""

    seeds: Count
    images: Count | None
    backbone: str
    weights: Literal["published", "random"]
    pixels: Annotated[int, Field(ge=32, le=1024)]
    frozen: Literal["none", "backbone"]
    epochs: Annotated[int, Field(ge=0, le=MOST)]
    batch_size: Annotated[int, Field(ge=2, le=MOST)]
    lr: Positive
    momentum: Annotated[float, Field(gt=0, lt=1)]


class Lasso(Group):
    seed: Seed
    samples: Annotated[int, Field(ge=10, le=MOST)]
    features: Count
    informative: Count
    noise: NotNegative
    alpha: Positive
    n_train: Annotated[int, Field(ge=2, le=MOST)]
    n_features: Annotated[list[Count], Field(min_length=3), AfterValidator(unique), AfterValidator(_ascending)]
    interpolation_noise: NotNegative
    ridge: Annotated[list[Positive], AfterValidator(unique)]
    runs: Annotated[int, Field(ge=4, le=MOST)]

    @field_validator("informative")
    @classmethod
    def _at_most_all(cls, informative: int, info: ValidationInfo) -> int:
        if informative > info.data.get("features", informative):
            raise ValueError(f"is more than lasso.features, {info.data['features']}")
        return informative


class Heads(Group):
    features: Annotated[
        list[Literal["trained", "random", "pca", "pixels", "pretrained"]], Field(min_length=1), AfterValidator(unique)
    ]
    seeds: Count
    strength: Annotated[list[Positive], Field(min_length=1), AfterValidator(unique), AfterValidator(_ascending)]
    backbone: str


class PruneGrid(Group):
    method: Annotated[list[Literal["magnitude", "random", "gradient"]], Field(min_length=1), AfterValidator(unique)]
    retraining: Annotated[
        list[Literal["finetune", "lr_rewind", "rewind", "scratch"]], Field(min_length=1), AfterValidator(unique)
    ]


class Prune(Group):
    label_noise: Annotated[float, Field(ge=0, lt=1)]
    width: Count
    depth: Annotated[int, Field(ge=1, le=100)]
    seeds: Count
    levels: Count
    share: Annotated[float, Field(gt=0, lt=1)]
    epochs: Count
    batch_size: Count
    lr: Positive
    keep_networks: bool


class GrowGrid(Group):
    reuse_up_to: Annotated[list[Annotated[int, Field(ge=0, le=MOST)]], Field(min_length=1), AfterValidator(unique)]


class Grow(Descent):
    widths: Annotated[list[Count], Field(min_length=LEAST_POINTS), AfterValidator(unique), AfterValidator(_ascending)]


class FeatureGrid(Group):
    width: Annotated[list[Count], Field(min_length=1), AfterValidator(unique)]
    ridge: Annotated[list[NotNegative], Field(min_length=1), AfterValidator(unique)]


class Features(Group):
    seeds: Count
    images: Count | None


def _not_more_images_than_there_are(train: T, info: ValidationInfo) -> T:
    if "data" not in info.data or info.data["data"].name == "file":  # whose classes are counted when it is read
        return train
    most = CLASSES * info.data["data"].train_per_class
    images = getattr(train, "images", None)
    if images is not None and images > most:
        raise ValueError(f"images: {images} is more than the {most} that data.train_per_class allows")
    return train


OfImages = AfterValidator(_not_more_images_than_there_are)


class Fitting(Group):
    """What decides the runs of a grid."""

    data: Data
    grid: Grid
    train: Annotated[Train, OfImages]

    @field_validator("train")
    @classmethod
    def _suits_the_data_and_the_grid(cls, train: Train, info: ValidationInfo) -> Train:
        largest = max(info.data["grid"].alpha, default=0.0) * max(train.penalty_scale) if "grid" in info.data else 0.0
        if train.shift and "data" in info.data and info.data["data"].permute:
            raise ValueError(f"shift: {train.shift} moves images whose pixels are permuted, and show nothing")
        if train.penalty == "l0" and largest > 1:
            raise ValueError(f"penalty: 'l0' takes alpha for a share of the weights, and {largest} is more than 1")
        return train


class Pruning(Group):
    """What decides the runs of one cell of pruning."""

    data: Data
    grid: PruneGrid
    train: Prune


class Growing(Group):
    """What decides the runs of one cell of networks that grow."""

    data: Data
    grid: GrowGrid
    train: Annotated[Grow, OfImages]

    @field_validator("train")
    @classmethod
    def _switches_are_widths(cls, train: Grow, info: ValidationInfo) -> Grow:
        for width in info.data["grid"].reuse_up_to if "grid" in info.data else []:
            if width and width not in train.widths:
                raise ValueError(f"widths: {train.widths} do not hold {width}, up to which widths are to be reused")
        return train


class Regressing(Group):
    """What decides the runs of one cell of least squares on random features."""

    data: Data
    grid: FeatureGrid
    train: Annotated[Features, OfImages]


class Coding(Fitting):
    """What decides the runs of one cell of prequential coding."""

    train: Annotated[Prequential, OfImages]


class Smoothing(Group):
    """What decides the runs of one cell of training that is followed as a smoother."""

    data: Data
    grid: Grid
    train: Annotated[Smooth, OfImages]


class Finetuning(Group):
    """What decides the runs of one cell of a classifier of torchvision."""

    data: Data
    grid: Group
    train: Annotated[Finetune, OfImages]


class Params(Fitting):
    """params.yaml"""

    lasso: Lasso
    head: Heads

    @field_validator("head")
    @classmethod
    def _has_images_for_the_backbone(cls, head: Heads, info: ValidationInfo) -> Heads:
        if "pretrained" in head.features and "data" in info.data and info.data["data"].name == "file":
            raise ValueError("features: 'pretrained' takes square grey images, not the data of data.name 'file'")
        return head


def document(text: str) -> Any:
    """What the YAML holds, read as DVC reads it (YAML 1.2) and unchecked; ParamsError if it is no YAML."""
    try:
        return YAML(typ="safe").load(text)
    except LookupError:
        raise ParamsError("not valid YAML: a value that does not suit its tag (!!...); write it without") from None
    except (YAMLError, ValueError, TypeError, AttributeError, RecursionError) as error:  # the last ones: of odd tags
        raise ParamsError(f"not valid YAML: {_short(' '.join(str(error).split()), 500)}") from None


def parse(text: str) -> Params:
    return parse_as(Params, text)


def parse_as(model: type[P], text: str) -> P:
    """Read and check the text of a file of parameters; ParamsError names the first key that is not allowed."""
    return check(model, document(text))


def check(model: type[P], contents: Any) -> P:
    """The contents as a model; ParamsError names the first key that is not allowed."""
    try:
        return model.model_validate(contents)
    except ValidationError as error:
        raise ParamsError(_one_line(error)) from None


def _one_line(error: ValidationError) -> str:
    # a misspelt key is also a missing one, and a wrong alpha is neither an int nor a float: say the telling half
    first = min(error.errors(), key=lambda e: (e["type"] != "extra_forbidden", e["loc"][-1:] == ("int",)))
    path = _short(".".join(str(part) for part in first["loc"] if part not in ("int", "float")) or "the document")
    value, message = first["input"], first["msg"].removeprefix("Value error, ").removeprefix("Input ")
    if first["type"] == "missing":
        return f"{path}: missing"
    if first["type"] == "extra_forbidden":
        return f"{path}: unknown key"
    if first["type"] == "value_error" and isinstance(value, dict):  # of a group, whose message begins with the key
        return f"{path}.{message}"
    if isinstance(value, str) and _is_number(value):
        return f"{path}: {value!r} is text to YAML, not a number; write it as 1.0e-4 is written, without quotes"
    return f"{path}: {_short(SHOWN.repr(value))} {message}"


def _short(text: str, most: int = 200) -> str:
    """On one line and readable, whatever the document holds."""
    text = text if text.isprintable() else repr(text)
    return text if len(text) <= most else f"{text[:most]}..."


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
