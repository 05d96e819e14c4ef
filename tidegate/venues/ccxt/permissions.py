"""What a key may do, where a venue tells: a key for trading should not be able to withdraw."""

from __future__ import annotations

from typing import Any

from tidegate.domain.errors import SettingsError

__all__ = ["check_permissions"]


async def check_permissions(trader: str, exchange: Any) -> str:
    """Ask the venue what the key may do; gives a sentence for the log.

    Raises:
        SettingsError: it may withdraw, or is bound to no address. `TIDEGATE_SKIP_PERMISSION_CHECK=1` lets it pass.
    """
    may_withdraw, bound = await _asked(exchange)
    if may_withdraw is None:
        return f"{exchange.id} does not tell what the key of {trader} may do: see to it that it cannot withdraw"
    wrong = [*(["may withdraw"] if may_withdraw else []), *([] if bound else ["may be used from any address"])]
    if wrong:
        raise SettingsError(
            f"the key of {trader} {' and '.join(wrong)}: restrict it on {exchange.id}, "
            "or set TIDEGATE_SKIP_PERMISSION_CHECK=1"
        )
    return f"the key of {trader} cannot withdraw, and is bound to addresses"


async def _asked(exchange: Any) -> tuple[bool | None, bool]:
    if exchange.id == "binance":
        told = await exchange.sapi_get_account_apirestrictions()
        return bool(told.get("enableWithdrawals")), bool(told.get("ipRestrict"))
    if exchange.id == "bybit":
        told = (await exchange.private_get_v5_user_query_api())["result"]
        wallet = (told.get("permissions") or {}).get("Wallet") or []
        return "Withdraw" in wallet, [ip for ip in told.get("ips") or [] if ip != "*"] != []
    return None, False
