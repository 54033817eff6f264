"""Whoever meets a word on a page finds what it means."""

import re

import pandas as pd

from stages.commands.results import meanings
from stages.statistic.words import ANSWERS, TERMS
from tests.workspace import ROOT

TABLES = [pd.read_csv(path) for path in sorted((ROOT / "studies").glob("*/answers.csv"))]
KNOWN = {name for word in ANSWERS for name in word.split(", ")}


def test_every_measure_that_a_reading_answers_with_is_explained() -> None:
    found = {name for table in TABLES if "measure" in table for name in table.measure}
    assert len(found) > 40
    assert found - KNOWN == set()


def test_no_meaning_is_left_over() -> None:
    found = {name for table in TABLES for column in ("measure", "head") if column in table for name in table[column]}
    assert {name for name in KNOWN if name not in found} == set()


def test_a_table_of_meanings_names_those_of_its_folder_alone() -> None:
    table = meanings(ROOT / "studies")
    assert "| nc4_true |" in table
    assert len(table.splitlines()) == 2 + len(ANSWERS)


def test_every_meaning_is_a_sentence() -> None:
    assert [said for said in [*TERMS.values(), *ANSWERS.values()] if not re.match(r"[A-Z].*\.$", said)] == []
