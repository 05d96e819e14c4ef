"""What the orders of a paper account can pay for, while some of their trades are not booked yet."""

from __future__ import annotations

from decimal import Decimal

from tidegate.domain.account import Account

__all__ = ["Funds"]

_ZERO = Decimal(0)


class Funds:
    """The money of `account`, which sets the capital of an order aside before the order is sent, and books its trades
    once they are recorded.

    Until a trade is booked, the capital that was set aside for it stays, so that nothing else spends it. What a trade
    costs beyond that is remembered here until it is booked; what it brings can be spent afterwards.
    Memory: trades that cost more than was set aside, and are not booked yet.
    """

    __slots__ = ("_account", "_beyond")

    def __init__(self, account: Account) -> None:
        self._account = account
        self._beyond: list[tuple[str, int, str, Decimal]] = []

    def free(self, currency: str) -> Decimal:
        """What of a currency is neither set aside nor spent."""
        free = self._account.free(currency)
        if self._beyond:
            self._forget_booked()
            free -= sum((amount for _, _, paid_in, amount in self._beyond if paid_in == currency), _ZERO)
        return free

    def cover(self, client_order_id: str, currency: str, needed: Decimal) -> bool:
        """Whether an order that comes now can be paid: `needed` of a currency, of which a part may be set aside for it.

        Where more is set aside than there is, what was set aside first is paid first.
        """
        account = self._account
        order, balance = account.orders.get(client_order_id), account.balances.get(currency)
        if order is not None and balance is not None and needed <= order.reserved:
            if balance.locked <= balance.total and not self._beyond:
                return True
            return self.free(currency) >= -self._set_aside_after(client_order_id, currency)
        return needed <= (order.reserved if order is not None else _ZERO) + self.free(currency)

    def spend(self, client_order_id: str, number: int, currency: str, beyond: Decimal) -> None:
        """Trade `number` of an order costs so much more than is set aside for it."""
        self._forget_booked()
        self._beyond.append((client_order_id, number, currency, beyond))

    def _set_aside_after(self, client_order_id: str, currency: str) -> Decimal:
        orders = self._account.orders
        ids = list(orders)
        later = (orders[order_id] for order_id in ids[ids.index(client_order_id) + 1 :])
        return sum((order.reserved for order in later if order.currency == currency), _ZERO)

    def _forget_booked(self) -> None:
        self._beyond = [each for each in self._beyond if self._is_unbooked(*each[:2])]

    def _is_unbooked(self, client_order_id: str, number: int) -> bool:
        order = self._account.orders.get(client_order_id)
        return order is not None and order.trades < number
