"""How a ccxt class that knows nothing of it is pointed at an exchange of ours."""

from __future__ import annotations

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


def settings_for(dialect: DialectName, address: str) -> dict[str, object]:
    """The settings of a ccxt `binance` or `bybit` that make it speak to `address`, in JSON's types; add its keys.

    Every address of the class is replaced, so that nothing can reach the real exchange; only spot markets are loaded.
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
        urls = {api: base + path for api, path in _BINANCE_PATHS.items()}
    else:
        urls = dict.fromkeys(_BYBIT_APIS, address)
    return settings | {"urls": {"api": urls}, "options": options}
