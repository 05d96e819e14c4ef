"""How a ccxt class that knows nothing of it is pointed at an exchange of ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

__all__ = ["DialectName", "settings_for"]

DialectName: TypeAlias = Literal["binance", "bybit"]

_BINANCE_PATHS = {
    **dict.fromkeys(("public", "private"), "/api/v3"),
    "v1": "/api/v1",
    "sapi": "/sapi/v1",
    **{f"sapiV{n}": f"/sapi/v{n}" for n in (2, 3, 4)},
    **dict.fromkeys(("dapiPublic", "dapiPrivate"), "/dapi/v1"),
    "dapiPrivateV2": "/dapi/v2",
    **dict.fromkeys(("dapiData", "fapiData"), "/futures/data"),
    **dict.fromkeys(("eapiPublic", "eapiPrivate"), "/eapi/v1"),
    **dict.fromkeys(("fapiPublic", "fapiPrivate"), "/fapi/v1"),
    **{f"fapi{whose}V{n}": f"/fapi/v{n}" for whose in ("Public", "Private") for n in (2, 3)},
    "papi": "/papi/v1",
    "papiV2": "/papi/v2",
}
_BYBIT_APIS = ("spot", "futures", "v2", "public", "private")


_BINANCE_STREAMS = {
    **dict.fromkeys(
        ("spot", "margin", "linear", "inverse", "stock", "option", "optionMarket", "optionPrivate", "papi"), "/ws"
    ),
    "ws-api": {"spot": "/ws-api/v3", "linear": "/ws-fapi/v1", "inverse": "/ws-dapi/v1"},
}
_BYBIT_STREAMS = {
    "public": dict.fromkeys(("spot", "inverse", "option", "linear"), "/v5/public"),
    "private": {
        "spot": {"unified": "/v5/private", "nonUnified": "/spot/private/v3"},
        "contract": "/v5/private",
        "usdc": "/trade/option/usdc/private/v1",
        "trade": "/v5/trade",
    },
}


def settings_for(dialect: DialectName, address: str, *, streams: bool = False) -> dict[str, object]:
    """The settings of a ccxt `binance` or `bybit` that make it speak to `address`, in JSON's types; add its keys.

    Every address of the class is replaced, so that nothing can reach the real exchange; only spot markets are loaded.
    With `streams`, those of its websockets as well; of these only the user stream is there.
    There is no rate limit. At an https address the certificate is not verified, and `binance` then reads errors as it
    does at the real exchange: it chooses its table of spot errors by how an address begins, and `https://demo-api` is
    the one beginning that any host can have.
    """
    secure = address.startswith("https://")
    settings: dict[str, object] = {"enableRateLimit": False, "rateLimit": 0}
    if secure:
        settings["verify"] = False
    options: dict[str, object] = {"defaultType": "spot", "fetchMarkets": {"types": ["spot"]}}
    if dialect == "binance":
        base = address.replace("https://", "https://demo-api@")
        options["fetchMargins"] = False
        urls: dict[str, object] = {api: base + path for api, path in _BINANCE_PATHS.items()}
    else:
        urls = dict.fromkeys(_BYBIT_APIS, address)
    if streams:
        base = address.replace("http", "ws", 1)
        urls["ws"] = _at(base, _BINANCE_STREAMS if dialect == "binance" else _BYBIT_STREAMS)
    return settings | {"urls": {"api": urls}, "options": options}


def _at(base: str, paths: Mapping[str, object]) -> dict[str, object]:
    return {name: _at(base, path) if isinstance(path, Mapping) else f"{base}{path}" for name, path in paths.items()}
