"""One word for one thing: terms that the ledger's Chinese texts no longer use, and what they use instead."""

from __future__ import annotations

import re

import pytest

from scripts import translations

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


def test_the_ledgers_english_uses_the_same_words() -> None:
    old = re.compile(r"\blet off\b|[Ff]orgive|[Ww]hoever|types:|\bevents?\b")
    texts = [message.id if isinstance(message.id, str) else message.id[0] for message in translations.read()]
    assert [text for text in texts if old.search(text)] == []
