"""One word for one thing: terms that our Chinese texts no longer use, and what they use instead."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from config.reading.load_sorting import shipped_sortings
from scripts import translations

CHECKOUT = Path(__file__).resolve().parents[2]

TERMS = {
    "登记": "绑卡|绑定",
    "暂存": "留着|待发|待定|暂候|先为您留",
    "投对了": "分对了",
    "记录": "事件",
    "记录库": "日志",
    "账本管理员": "(?<!账本)管理员|管理账本的人",
    "社区": "管理处|咱们",
    "告警": "警报",
    "桶站程序": "站点",
    "积分明细": "账单",
    "待扣积分": "欠",
    "免扣": "免除",
    "结清": "了结",
    "用户名": "名字",
    "发放": "放行",
}
"""The term, and a pattern of what it replaces."""


@pytest.mark.parametrize("term", TERMS)
def test_a_thing_has_one_word_in_the_ledgers_chinese(term: str) -> None:
    texts = ["".join(message.string or ()) for message in translations.read() if message.id]
    assert [text for text in texts if re.search(TERMS[term], text)] == []


LEDGER_ALONE = {"记录库", "用户名", "待扣积分"}
"""At a station a log is 日志, a host has a 名字, and something may be missing."""
STATION_TERMS = {term: pattern for term, pattern in TERMS.items() if term not in LEDGER_ALONE} | {
    "记录库": "日志库",
    "限位开关": "到位开关|(?<!限位)[开关]盖开关",
    "拒绝、响应": "不让|没有反应|没有回应",
    "上一个": "前面的",
    "别的类别": "别的桶|其他桶",
}
"""The same for the station's texts: prompts, faults, the panel, checks, labels and sorting."""
STATION_FILES = [
    "config/prompts.toml",
    *(f"config/sorting.{city}.toml" for city in shipped_sortings()),
    "edge/panel/texts.toml",
    "edge/check/texts.toml",
    "models/waste/manifest.json",
]


def station_texts(language: str) -> list[str]:
    """Give every text in one language, of all files that hold the station's words."""
    texts: list[str] = []

    def collect(value: object) -> None:
        if isinstance(value, dict):
            texts.extend(text for key, text in value.items() if key == language and isinstance(text, str))
            for held in value.values():
                collect(held)
        elif isinstance(value, list):
            for held in value:
                collect(held)

    for name in STATION_FILES:
        raw = (CHECKOUT / name).read_text("utf-8")
        collect(json.loads(raw) if name.endswith(".json") else tomllib.loads(raw))
    return texts


@pytest.mark.parametrize("term", STATION_TERMS)
def test_a_thing_has_one_word_in_the_stations_chinese(term: str) -> None:
    assert [text for text in station_texts("zh") if re.search(STATION_TERMS[term], text)] == []


def test_the_stations_english_is_plain() -> None:
    old = re.compile(
        r"\b[Ww]hoever\b|\b[Mm]end\b|\baerial\b|takes writes|in step|\brights\b|[Tt]hrow|[Tt]hrown"
        r"|panic|\bgoes in\b|Plastic ware|ledger's office"
    )
    texts = [re.sub(r"\{\w+\}", "", text) for text in station_texts("en")]
    assert [text for text in texts if old.search(text)] == []


def test_the_ledgers_english_uses_the_same_words() -> None:
    old = re.compile(r"\blet off\b|[Ff]orgive|[Ww]hoever|types:|\bevents?\b")
    texts = [message.id if isinstance(message.id, str) else message.id[0] for message in translations.read()]
    assert [text for text in texts if old.search(text)] == []


@pytest.mark.parametrize("term", sorted({*TERMS, *STATION_TERMS} - {"拒绝、响应", "上一个", "别的类别"}))
def test_a_term_that_is_held_stands_in_the_glossary(term: str) -> None:
    rows = (CHECKOUT / "docs" / "glossary.md").read_text("utf-8").splitlines()
    chinese = [row.split("|")[2] for row in rows if row.startswith("| ")]
    assert any(term in words for words in chinese)
