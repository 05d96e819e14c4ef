"""The limit that docs/architecture.md adds, as it stands there."""

import re
from decimal import Decimal
from pathlib import Path

from streams.checks.check import ExecutionCheck, Wait
from streams.checks.situation import Situation
from tidegate.domain.reasons import Reason
from tidegate.domain.signal import Signal
from tidegate.domain.verdict import Refusal

ROOT = Path(__file__).parents[3]
SECTION = (ROOT / "docs" / "architecture.md").read_text().partition("### A limit, for example")[2].partition("\n## ")[0]


def test_the_limit_of_the_document_is_one_function_and_one_line(stage):
    (code,) = re.findall(r"```python\n(.*?)```", SECTION, re.DOTALL)
    names = {"Decimal": Decimal, "ExecutionCheck": ExecutionCheck, "Wait": Wait, "Situation": Situation}
    names |= {"Reason": Reason, "Signal": Signal, "Refusal": Refusal}
    exec(code, names)
    assert "`max_price(Decimal(100_000)),`" in SECTION
    it = stage(checks=lambda default: (*default, names["max_price"](Decimal(100)))).start(price="100")
    it.quote("ETH/USDT", "100.01")
    for symbol in ("BTC/USDT", "ETH/USDT"):
        it.send(symbol, symbol=symbol)
    it.run(11)
    assert it.ledger() == {"placed": 1, "refused": 1}


def test_the_section_names_what_there_is():
    for path in re.findall(r"`((?:streams|tidegate)/[\w/.]*)`", SECTION):
        assert (ROOT / path).exists()
