"""Train every stale cell side by side, hand them to DVC in one commit, then let `dvc repro` do the rest.

Without arguments on this machine's cores; with --scheduler ADDRESS on any Dask cluster. With the name of a file in
experiments/, or with -S as in `dvc exp run`, the parameters are changed in a copy of the checkout, and the results
saved as a DVC experiment.
"""

import argparse
import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from distributed import Client
from dvc.exceptions import DvcException
from dvc.repo import Repo
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from stages.base import files, tensors
from stages.base.console import console, run
from stages.base.machine import refuse_too_large
from stages.base.params import ParamsError, document
from stages.cells import engine
from stages.cells.ledger import StaleCell, commit, stale_cells
from stages.cells.provenance import code_digest, maker
from stages.cells.study import STUDIES, Study
from stages.commands.repair import unlock

DATA = Path("data/prepared/data.pt")


@contextmanager
def only_one() -> Iterator[None]:
    """Hold this checkout's sweep lock, which the system gives back even after a kill."""
    path = Path(".dvc/tmp/sweep.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise files.UserError(f"another sweep (process {lock.read().strip()}) works in this checkout") from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def dvc(*arguments: str, cwd: str | Path = ".") -> None:
    status = subprocess.run([sys.executable, "-m", "dvc", *arguments], cwd=cwd).returncode
    if status:
        raise files.UserError(f"dvc {' '.join(arguments)} ended with exit status {status}, see above")


def show(study: Study, *arguments: str, cwd: str | Path = ".") -> None:
    if study is STUDIES["grid"]:  # what the pruning study found its last stage has said
        subprocess.run([sys.executable, "-m", "stages.commands.show", *arguments], cwd=cwd)


def train(
    study: Study, cells: list[StaleCell], data: bytes, config: Any, by: dict[str, str], args: argparse.Namespace
) -> list[StaleCell]:
    """Train the cells and write each one's file as it finishes; returns those that failed."""
    failed = []
    wanted = [cell.cell for cell in cells]
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("cells, {task.fields[state]}"),
        TimeRemainingColumn(),
    )
    client = engine.connect(args.scheduler, args.workers, args.patience)
    start = time.monotonic()
    with client, Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        engine.refuse_other_makers(client, study, by)
        if by["device"] == "cpu":
            refuse_too_many(client, study, cells, data, config)
        task = progress.add_task("training", total=len(cells), state="starting")
        results = engine.train_all(client, study, wanted, data, config, by["device"])
        for done, (key, result) in enumerate(results, 1):
            cell = cells[wanted.index(key)]
            if isinstance(result, bytes) and tensors.from_bytes(result)["made_from"] == cell.made_from:
                files.write(cell.path, result)
            else:
                failed.append(cell)
                why = "made from something else" if isinstance(result, bytes) else f"{type(result).__name__}: {result}"
                console.print(f"{cell.name} failed: {why}", markup=False)
            rate = config.seeds * done / (time.monotonic() - start)
            workers = len(client.nthreads())
            state = f"{min(workers, len(cells) - done)} running on {workers} workers, {rate:.1f} models a second"
            progress.update(task, completed=done, state=state)
            if not console.is_terminal:
                console.print(f"{cell.name}: {done} of {len(cells)} cells, {state}")
    if client.cluster is not None:
        client.cluster.close()
    console.print(f"{len(cells) - len(failed)} cells trained in {time.monotonic() - start:.0f} s")
    return failed


def refuse_too_many(client: Client, study: Study, cells: list[StaleCell], data: bytes, config: Any) -> None:
    """UserError if the largest cells do not fit side by side into the memory of one of the workers' machines."""
    pixels = tensors.from_bytes(data)["train_pixels"]
    needed = {cell.name: study.module().memory_needed(cell.cell, config, *pixels.shape) for cell in cells}
    largest = sorted(needed, key=needed.__getitem__, reverse=True)
    remedy = "fewer seeds, a smaller width, or fewer workers there"
    for at_once, here in engine.machines(client):
        names = largest[:at_once]
        refuse_too_large(", ".join(names), remedy, *(needed[name] for name in names), here=here)


def refuse_changes(study: Study, params: Any, data: bytes, by: dict[str, str]) -> None:
    """UserError if the cells, or what they were made from, are no longer what DVC would record."""
    now = {
        "the code": code_digest(study.module().CODE) == by["code"],
        "the parameters": study.params() == params,
        str(DATA): DATA.read_bytes() == data,
    }
    if changed := [name for name, same in now.items() if not same]:
        raise files.UserError(f"{' and '.join(changed)} changed during the sweep: nothing recorded, run sweep again")


def sweep(args: argparse.Namespace) -> None:
    study = STUDIES[args.study]
    params = study.params()
    config = getattr(params, study.group)
    by = maker(study.module().LOADED, os.environ.get("SDD_DEVICE", "cpu"))
    with only_one():
        unlock()
        dvc("repro", "--quiet", "prepare", "code")
        data = DATA.read_bytes()
        cells = stale_cells(study, config, tensors.digest(data), by)
        try:
            todo = [cell for cell in cells if not cell.made]
            failed = train(study, todo, data, config, by, args) if todo else []
        except KeyboardInterrupt:
            raise files.UserError("interrupted; finished cells are kept, run sweep again to go on") from None
        if cells:
            dvc("repro", "--quiet", "code")  # so that what is recorded is what is now compared
            refuse_changes(study, params, data, by)
            commit(study, failed)
    if failed:
        raise files.UserError(f"{len(failed)} cells failed: {', '.join(cell.name for cell in failed)}")


def experiment(args: argparse.Namespace) -> None:
    """Sweep with changed parameters in a worktree under .dvc/tmp, and save the result from there as an experiment."""
    from dvc.utils.cli_parse import to_path_overrides
    from dvc.utils.hydra import apply_overrides

    study = STUDIES[args.study]
    if args.experiment and study is not STUDIES["grid"]:
        raise files.UserError(
            "experiments/ are the grid's; change the pruning study with -S prune/params.yaml:KEY=VALUE"
        )
    allowed_name(args.name or args.experiment or "")
    overrides = [*named(args.experiment), *args.set]
    name = args.name or args.experiment or automatic_name(args.study, overrides)
    folder = Path(".dvc/tmp/sweeps").absolute() / name
    for key in ("user.name", "user.email"):
        if not any(git("config", "--default", "", key)) and f"GIT_COMMITTER_{key[5:].upper()}" not in os.environ:
            raise files.UserError(f"an experiment is saved as a commit, and git knows no {key}: git config {key} ...")
    for mirror in (variable for variable in os.environ if variable.endswith("MNIST_MIRROR")):
        if Path(os.environ[mirror]).exists():  # from here, not from the experiment's folder
            os.environ[mirror] = str(Path(os.environ[mirror]).absolute())
    with Repo() as repo:
        cache = repo.cache.local_cache_dir
    with only_one():
        unlock()
        # an interrupted sweep of this name left what it finished there, to be adopted, or a folder that is no worktree,
        # in which git would work on the whole checkout
        if not (folder / ".git").exists():
            shutil.rmtree(folder, ignore_errors=True)
            git("worktree", "prune")
            git("worktree", "add", "--quiet", "--detach", str(folder))
        dvc("config", "--local", "cache.dir", cache, cwd=folder)
        git("checkout", "--quiet", "--force", "--detach", *git("rev-parse", "HEAD"), cwd=folder)
        sources = "stages", "dvc.yaml", "prune", "data/paper_table1.csv"
        new = git("ls-files", "-z", "--others", "--exclude-standard", *sources)
        for path in [*git("diff", "-z", "--name-only", "HEAD", "--", *sources), *new]:
            if Path(path).exists():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, folder / path)
            else:
                (folder / path).unlink()
        shutil.copy("params.yaml", folder)
        try:
            for path, changes in to_path_overrides(overrides).items():
                apply_overrides(folder / path, changes)
        except DvcException as error:
            why = " ".join(str(error.__cause__ or error).split())
            raise files.UserError(f"{' '.join(overrides)}: {why}") from None
        passed = [
            f"--{key}={getattr(args, key)}"
            for key in ("study", "scheduler", "workers", "patience")
            if getattr(args, key)
        ]
        command = [sys.executable, "-m", "stages.sweep", "--only-cells", *passed]
        if subprocess.run(command, cwd=folder).returncode:
            raise files.UserError(f"experiment {name} is not complete, see above; the same command goes on with it")
        dvc("repro", study.pipeline, cwd=folder)
        # without a target DVC would ask for the other study's results too
        dvc("exp", "save", "--force", "--name", name, study.pipeline, cwd=folder)
        if args.experiment:
            keep(args.experiment, folder)
            show(study, f"experiments/{args.experiment}")
        else:
            show(study, "--experiment", name, cwd=folder)
        git("worktree", "remove", "--force", str(folder))
    console.print(f"experiment {name}; to compare: dvc plots diff HEAD {name}; to take it over: dvc exp apply {name}")


def automatic_name(study: str, overrides: list[str]) -> str:
    """One for these changes of the parameters as they are on disk."""
    params = [Path(path).read_bytes() for path in ("params.yaml", "prune/params.yaml")]
    return "sweep-" + tensors.digest(study.encode(), *params, *(text.encode() for text in overrides))[:7]


def allowed_name(name: str) -> None:
    """UserError unless it will do as a folder's name and as DVC's of an experiment; nothing will."""
    made_of = re.fullmatch(r"([A-Za-z0-9][A-Za-z0-9._-]*)?", name)
    if not made_of or subprocess.run(["git", "check-ref-format", f"refs/exps/{name or 'none'}"]).returncode:
        raise files.UserError(f"{name!r} cannot be an experiment's name: letters, digits, and inside it . _ -")


def named(name: str | None) -> list[str]:
    """The overrides of experiments/NAME.yaml, which holds those parts of params.yaml that the experiment changes."""
    if name is None:
        return []
    path = Path("experiments") / f"{name}.yaml"
    if not path.exists():
        there = ", ".join(sorted(file.stem for file in path.parent.glob("*.yaml")))
        raise files.UserError(f"{path} does not exist; the experiments here are {there}")
    try:
        groups = document(path.read_text(encoding="utf-8"))
    except (ParamsError, UnicodeDecodeError) as error:
        raise files.UserError(f"{path}: {error}") from None
    if not isinstance(groups, dict) or not all(isinstance(keys, dict) for keys in groups.values()):
        raise files.UserError(
            f"{path}: must hold groups of params.yaml with the keys that change, as its neighbours do"
        )
    return [
        f"{group}.{key}={json.dumps(value, default=str)}"
        for group, keys in groups.items()
        for key, value in keys.items()
    ]


def keep(name: str, folder: Path) -> None:
    """Copy a named experiment's tables and figures beside its parameters, to be committed."""
    kept = Path("experiments") / name
    kept.mkdir(exist_ok=True)
    stages = yaml.safe_load((folder / "dvc.lock").read_text(encoding="utf-8"))["stages"]
    for path in (Path(out["path"]) for stage in ("evaluate", "verdict", "plot") for out in stages[stage]["outs"]):
        if path.name != "curves.csv" and path.parts != ("plots", f"{path.stem}.json"):
            shutil.copy(folder / path, kept)


def git(*arguments: str, cwd: str | Path = ".") -> list[str]:
    """The lines that it prints; with -z, what stands between its zeros."""
    done = subprocess.run(["git", *arguments], cwd=cwd, capture_output=True, text=True)
    if done.returncode:
        raise files.UserError(f"git {' '.join(arguments)}: {' '.join(done.stderr.split())}")
    return done.stdout.rstrip("\0").split("\0") if "-z" in arguments and done.stdout else done.stdout.splitlines()


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def seconds(text: str) -> float:
    number = float(text)
    if not 0 < number < 1e9:
        raise ValueError
    return number


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("experiment", nargs="?", help="one of experiments/*.yaml: parameters to change")
    parser.add_argument(
        "-S", "--set-param", dest="set", action="append", default=[], metavar="KEY=VALUE", help="as in dvc exp run"
    )
    parser.add_argument("--name", help="of the experiment")
    parser.add_argument("--study", choices=STUDIES, default="grid", help="whose cells (default: the grid's)")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="of a Dask cluster, such as tcp://host:8786")
    parser.add_argument("--workers", type=positive, help="of the local cluster; default: one a core")
    parser.add_argument("--only-cells", action="store_true", help="leave evaluate and plot to a later dvc repro")
    parser.add_argument("--patience", type=seconds, default=30, help="seconds to wait for the cluster (default: 30)")
    args = parser.parse_args()
    try:
        if args.set or args.experiment:
            experiment(args)
        else:
            sweep(args)
            if not args.only_cells:
                dvc("repro", STUDIES[args.study].pipeline)
                show(STUDIES[args.study])
    except DvcException as error:
        raise files.UserError(f"DVC: {' '.join(str(error).split())}") from None


if __name__ == "__main__":
    run(main)
