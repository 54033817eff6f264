"""The store may be lost, damaged, full or shared: no cell gets other bytes, and what it holds is not trained again."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from stages.base import files, tensors
from stages.base.files import UserError
from stages.cells import store
from stages.cells.cell import Maker, code_of_training, digest_of, fingerprint
from stages.cells.jobs import split
from stages.cells.make import make
from stages.cells.worker import Worker
from tests.cells.project import DATA, PIXELS, Project, Stage, cells, data_file

MAKER = Maker({"fit": "code"}, "2.15.0", "cpu", "data")


def entry(place: int, size: int = 10) -> tuple[dict[str, object], bytes]:
    """A cell's fingerprint, and a file that claims to be it."""
    own = fingerprint(cells(place + 1)[place], MAKER)
    return own, tensors.to_bytes({"test_error": np.full(size, place, dtype="float32")}, own)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / ".dvc/tmp/cells"


def test_what_is_put_comes_back_and_nothing_else_does(folder: Path) -> None:
    own, content = entry(0)
    assert store.get(own) is None
    assert store.put(own, content)
    assert store.get(own) == content
    assert store.get(entry(1)[0]) is None
    shutil.rmtree(folder)
    assert store.get(own) is None
    assert store.put(own, content)


def test_a_damaged_file_is_no_cell(folder: Path) -> None:
    own, content = entry(0, size=3)
    store.put(own, content)
    (path,) = folder.iterdir()
    for place in range(len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        assert store.get(own) in (None, content), place
        path.write_bytes(content[:place])
        assert store.get(own) is None, place
    path.unlink()
    path.mkdir()
    assert store.get(own) is None


def test_an_intact_file_of_another_cell_is_not_taken_for_this_one(folder: Path) -> None:
    own, content = entry(0)
    store.put(own, content)
    (path,) = folder.iterdir()
    path.write_bytes(entry(1)[1])
    assert store.get(own) is None


def test_beyond_its_size_the_files_that_were_used_longest_ago_go(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [entry(place, size=1000) for place in range(4)]
    for own, content in entries:
        store.put(own, content)
        (newest,) = [path for path in folder.iterdir() if path.stat().st_mtime > 1000]
        os.utime(newest, (len(list(folder.iterdir())),) * 2)
    own, content = entries[0]
    assert store.get(own) == content  # now it is the last one that was used
    killed = folder / f"{'0' * 64}.safetensorsabc_12.partial"
    killed.write_bytes(bytes(5000))
    os.utime(killed, (0, 0))
    (folder / "notes.txt").write_bytes(bytes(10_000))
    (folder / "other.safetensors").write_bytes(bytes(10_000))
    store.trim(2.5 * len(content))
    assert not killed.exists()
    assert [store.get(own) is not None for own, _ in entries] == [True, False, False, True]
    assert {"notes.txt", "other.safetensors"} <= {path.name for path in folder.iterdir()}
    store.trim(0)
    assert {path.name for path in folder.iterdir()} == {"notes.txt", "other.safetensors"}


@pytest.mark.parametrize("text", ["much", "-1", "nan"])
def test_a_size_that_is_none_is_refused_before_anything_is_trained(
    project: Project, stage: Stage, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SDD_STORE_GIB", text)
    with pytest.raises(UserError, match=f"^SDD_STORE_GIB={text}: must be a number of GiB, such as 8$"):
        stage(project)
    assert not project.store.exists()


def test_experiments_in_folders_below_dvc_share_the_checkouts_store(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = tmp_path / ".dvc/tmp/exps/standalone/tmp123"
    (below / ".dvc").mkdir(parents=True)
    monkeypatch.chdir(below)
    assert store.folder() == folder
    monkeypatch.setenv("SDD_STORE", "shared cells")
    assert store.folder() == tmp_path / "shared cells"
    monkeypatch.setenv("SDD_STORE", "~/cells")
    assert store.folder() == Path.home() / "cells"
    monkeypatch.setenv("SDD_STORE", str(tmp_path / "x"))
    assert store.folder() == tmp_path / "x"


def test_a_store_that_cannot_be_written_is_said_once_and_costs_nothing(project: Project, stage: Stage) -> None:
    project.store.parent.mkdir(parents=True)
    project.store.write_text("a file in the way")
    said = stage(project).splitlines()
    assert len(said) == 2, said
    assert said[0].startswith("the store keeps nothing new: ")
    assert said[1] == "width 2: 2 cells trained, 0 from the store"
    assert len(project.models()) == 2


def test_two_who_put_the_same_cell_at_once_leave_one_whole_file(folder: Path) -> None:
    own, content = entry(0, size=100_000)
    children = []
    for _ in range(4):
        child = os.fork()
        if child == 0:
            os._exit(not all(store.put(own, content) and store.get(own) == content for _ in range(10)))
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
    assert [path.read_bytes() for path in folder.iterdir()] == [content]


def test_dropping_a_cells_parts_leaves_the_part_that_another_process_is_writing(folder: Path) -> None:
    own, content = entry(0)
    assert store.put(own, content, range(1))
    being_written = folder / f"{store.path_of(own, range(1, 2)).name}abc_12.partial"
    being_written.touch()
    store.drop_parts(own)
    assert list(folder.iterdir()) == [being_written]


class TestTheStage:
    """It trains what the store lacks, and what it writes never depends on what the store had."""

    def test_a_second_run_trains_nothing_and_a_cell_lost_or_damaged_is_trained_alone(
        self, project: Project, stage: Stage
    ) -> None:
        assert stage(project) == "width 2: 2 cells trained, 0 from the store\n"
        models, kept = project.models(), project.kept()
        assert sorted(models.values()) == sorted(kept.values())
        shutil.rmtree(project.path / "data/models")
        assert stage(project) == "width 2: 0 cells trained, 2 from the store\n"
        assert project.models() == models
        first, second = sorted(project.store.iterdir())
        first.unlink()
        assert stage(project) == "width 2: 1 cell trained, 1 from the store\n"
        second.write_bytes(first.read_bytes())
        assert stage(project) == "width 2: 1 cell trained, 1 from the store\n"
        assert (project.models(), project.kept()) == (models, kept)

    def test_an_added_alpha_trains_its_own_cell_and_one_that_returns_trains_nothing(
        self, project: Project, stage: Stage
    ) -> None:
        stage(project)
        before = project.models()
        project.change({"grid": {"alpha": [0.0, 0.7, 0.1]}})
        assert stage(project) == "width 2: 1 cell trained, 2 from the store\n"
        assert {name: project.models()[name] for name in before} == before
        project.change({"grid": {"alpha": [0.7]}})
        assert stage(project) == "width 2: 0 cells trained, 1 from the store\n"
        project.change({"grid": {"alpha": [0.0, 0.1]}})
        assert stage(project) == "width 2: 0 cells trained, 2 from the store\n"

    def test_other_parameters_data_or_code_train_anew_and_the_old_ones_come_back(
        self, project: Project, stage: Stage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stage(project)
        before = project.models()
        project.change({"train": {"lr": 0.02}})
        assert stage(project) == "width 2: 2 cells trained, 0 from the store\n"
        assert all(project.models()[name] != content for name, content in before.items())
        project.change({"train": {"lr": 0.001}})
        files.write(project.path / DATA, data_file(seed=1))
        assert stage(project) == "width 2: 2 cells trained, 0 from the store\n"
        files.write(project.path / DATA, data_file())
        assert stage(project) == "width 2: 0 cells trained, 2 from the store\n"
        assert project.models() == before
        changed = dict.fromkeys(code_of_training(), "0" * 64)
        monkeypatch.setattr("stages.cells.cell.code_of_training", lambda: changed)  # as if a file had changed
        with pytest.raises(UserError, match=r"2 cells failed .* has code of fit [0-9a-f]{16}, this checkout has 0{16}"):
            stage(project)  # for these worker processes have the old code
        assert len(project.kept()) == 6

    def test_more_seeds_leave_the_other_runs_as_they_were(self, project: Project, stage: Stage) -> None:
        stage(project)
        few = tensors.from_bytes(project.models()["0.1.safetensors"])[0]
        project.change({"train": {"seeds": 5}})
        assert stage(project) == "width 2: 2 cells trained, 0 from the store\n"
        more = tensors.from_bytes(project.models()["0.1.safetensors"])[0]
        for name, values in few.items():
            assert (more[name][: len(values)] == values).all(), name

    def test_two_checkouts_share_a_store(
        self, project: Project, stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SDD_STORE", str(tmp_path / "of the team"))
        stage(project)
        other = Project.of(tmp_path / "other")
        other.change({"grid": {"alpha": [0.1, 0.9]}})
        assert stage(other) == "width 2: 1 cell trained, 1 from the store\n"
        assert other.models()["0.1.safetensors"] == project.models()["0.1.safetensors"]
        assert not project.store.exists()

    def test_a_store_without_room_for_a_cell_keeps_none_and_the_cells_are_in_their_place(
        self, project: Project, stage: Stage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SDD_STORE_GIB", "0")
        for _ in range(2):
            assert stage(project) == "width 2: 2 cells trained, 0 from the store\n"
        assert (len(project.models()), project.kept()) == (2, {})

    def test_what_changes_while_cells_are_trained_fails_the_stage(
        self, project: Project, stage: Stage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """DVC would record that the old cells were made from the new state."""

        def and_then(change: dict[str, dict[str, object]]) -> None:
            put = store.put

            def changing(own: dict[str, object], content: bytes, part: range | None = None) -> bool:
                project.change(change)
                return put(own, content, part)

            monkeypatch.setattr(store, "put", changing)
            with pytest.raises(UserError, match=r"^width 2: code, data or parameters changed during training; run the"):
                stage(project)
            monkeypatch.setattr(store, "put", put)

        and_then({"train": {"lr": 0.02}})
        assert stage(project) == "width 2: 2 cells trained, 0 from the store\n"
        project.change({"train": {"lr": 0.03}})
        and_then({"grid": {"alpha": [0.0]}})
        assert stage(project) == "width 2: 0 cells trained, 1 from the store\n"

    def test_data_that_are_missing_or_damaged_are_named(self, project: Project, stage: Stage) -> None:
        path = project.path / DATA
        whole = path.read_bytes()
        path.write_bytes(whole[:100])
        with pytest.raises(UserError, match=f"^{DATA} is missing or damaged; to make it: dvc repro -f prepare$"):
            stage(project)
        path.write_bytes(tensors.to_bytes({"other": np.zeros(1)}, {}))
        with pytest.raises(UserError, match=f"^{DATA} is missing or damaged"):
            stage(project)
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))  # which the header does not tell
        with pytest.raises(
            UserError, match=r"the prepared data cannot be read \(.*\); to make them: dvc repro -f prep"
        ):
            stage(project)


def test_a_cells_file_says_what_made_it_and_is_found_out_if_it_is_another(
    project: Project, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    from stages.cells.cell import read_fit

    stage(project)
    monkeypatch.chdir(project.path)
    params, about = files.read_params(), {"digest": project.maker().data, "classes": 10}
    assert set(read_fit(params, 2, 0.1, "data/models", about)) >= {"w1", "test_error"}
    for other, data, what in (
        ({"seeds": 3}, about, "seeds"),
        ({"lr": 1.0}, about, "options"),
        ({}, {**about, "classes": 3}, "options"),
        ({}, {**about, "digest": "0" * 64}, "data"),
    ):
        with pytest.raises(UserError, match=rf"0\.1\.safetensors was made from other {what} than .* dvc repro -f tra"):
            read_fit(
                params.model_copy(update={"train": params.train.model_copy(update=other)}), 2, 0.1, "data/models", data
            )
    with pytest.raises(UserError, match=r"2/0\.5\.safetensors is missing; to make it: dvc repro -f train@2"):
        read_fit(params, 2, 0.5, "data/models", about)


def test_parts_of_cells_that_a_kill_left_are_used_and_then_gone(
    project: Project, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two seeds of wide networks are a job each; the first one's errors were changed, so that they are recognised."""
    monkeypatch.chdir(project.path)
    (cell,) = cells(1, width=50_000)
    (first, second), worker = split([cell], 1, "cpu", PIXELS), Worker(data_file())
    (arrays,) = worker.work(first, worker.maker)
    own = fingerprint(cell, worker.maker)
    changed = {**arrays, "test_error": arrays["test_error"] * 0 + 0.125}
    assert store.put(own, tensors.to_bytes(changed, store.described(own, first.seeds)), first.seeds)
    store.path_of(own, second.seeds).write_bytes(b"damaged")
    store.path_of(own, range(1, 3)).write_bytes(b"of another split")
    make("some", lambda classes: [cell], Path(DATA), "command")
    found, _ = tensors.from_bytes(cell.path.read_bytes())
    assert (found["test_error"][0] == 0.125).all()
    assert (found["test_error"][1] != 0.125).any()
    assert [path.name for path in project.store.iterdir()] == [f"{digest_of(own)}.safetensors"]
    store.path_of(own, first.seeds).write_bytes(b"left by a kill")
    make("some", lambda classes: [cell], Path(DATA), "command")
    assert [path.name for path in project.store.iterdir()] == [f"{digest_of(own)}.safetensors"]
