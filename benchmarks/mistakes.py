"""Mistakes that somebody could make in the way of the money, each with its one place in the program."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.edits import Edit

__all__ = ["MISTAKES", "Mistake"]


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is done wrongly, and where."""

    name: str
    edit: Edit


def _in(file: str, *mistakes: tuple[str, str, str]) -> tuple[Mistake, ...]:
    return tuple(Mistake(name, Edit(file, old, new)) for name, old, new in mistakes)


MISTAKES = (
    *_in(
        "tidegate/domain/account.py",
        ("fee in base left out when buying", "gained = amount - fee_in_base", "gained = amount"),
        ("fee in quote left out when buying", "spent = cost + fee_in_quote", "spent = cost"),
        ("fee in quote left out when selling", "gained = cost - fee_in_quote", "gained = cost"),
        ("fee in a third coin left out", "self._balance(paid_in).total -= fee", "pass"),
        ("fee in a third coin not in the cost", "holding.cost += spent + fee_value", "holding.cost += spent"),
        ("fee in a third coin not in the profit", "(gained - fee_value) * closed", "gained * closed"),
        ("fees not summed up", "if fee:\n                self.fees", "if False:\n                self.fees"),
        ("profit without its cost", "closed / spent - paid", "closed / spent"),
        ("cost kept when sold", "holding.cost -= paid", "pass"),
        ("holding kept when sold", "holding.amount -= closed", "pass"),
        ("bought amount not held", "holding.amount += gained", "pass"),
        ("bought amount not in the balance", "in_base.total += gained", "pass"),
        ("resting sales not counted as closing", "self._close(symbol, opened.amount)", "pass"),
        ("closing kept after a sale is over", "self._close(order.symbol, -order.remaining)", "pass"),
        ("closing lost in the image", "account._close(order.symbol, order.remaining)", "pass"),
        ("nothing locked", "balance.locked += reserved", "pass"),
        ("lock kept after an order is over", "self._balance(order.currency).locked -= order.reserved", "pass"),
        ("lock kept while it is spent", "spending.locked -= unlocked", "pass"),
        ("reserved twice", "if order_id in self.orders:", "if False:"),
        ("balances added up when taken over", ".total = amount", ".total += amount"),
        ("trades that move nothing", "self._trades[symbol] = self._trades.get(symbol, 0) + 1", "pass"),
    ),
    *_in(
        "tidegate/domain/book.py",
        ("buying orders no open positions", "self._count(order.symbol, 1)", "pass"),
        ("open orders over at once", "over = status is not _OPEN", "over = True"),
        ("capital kept after an order is over", "account.release(client_order_id)\n            more", "more"),
        ("capital kept after a proof", "self.release(trader, order_id)\n                return True", "return True"),
    ),
    *_in(
        "tidegate/venues/paper/funds.py",
        ("money on paper spent before it is booked", "free -= sum(", "0 * sum("),
        ("the last pays first on paper", ">= -self._set_aside_after(client_order_id, currency)", ">= 0"),
        ("overdrawn on paper", "return self.free(currency) >=", "return True or self.free(currency) >="),
    ),
    *_in(
        "tidegate/venues/paper/book_side.py",
        ("depth on paper taken twice", "self.left -= part", "pass"),
        ("a market order that goes on unpaid", "return not self._buying or cost <=", "return True or cost <="),
    ),
    *_in(
        "tidegate/domain/market.py",
        ("amounts rounded up", "to_integral_value(ROUND_DOWN)", 'to_integral_value("ROUND_UP")'),
        ("prices not rounded", "(price / self.tick).to_integral_value(rounding) * self.tick", "price"),
    ),
    *_in(
        "tidegate/domain/terms.py",
        ("no fee set aside", "reserved = notional * (_ONE + rules.taker_fee)", "reserved = notional"),
        ("sales of what our trades do not enqueue", "closing = min(held, free)", "closing = free"),
        (
            "a sale that grows when it is tried again",
            "min(wanted, available, at_most or wanted)",
            "min(wanted, available)",
        ),
        ("the signal's price left out", "at_once if signal.price is None else", "at_once if True else"),
        ("buying at the bid", "best = quote.ask if buying else quote.bid", "best = quote.bid"),
    ),
    *_in(
        "streams/checks/minimum.py",
        ("no minimum", "terms.notional < rules.min_notional", "False"),
    ),
    *_in(
        "streams/checks/balance.py",
        ("no look at the balance", "if reserved > free:", "if False:"),
    ),
    *_in(
        "streams/checks/position_limit.py",
        ("one open position too many", "and positions > max_open", "and positions > 1 + max_open"),
    ),
    *_in(
        "streams/checks/order_notional.py",
        ("no limit of an order's cost", "if notional > allowed and", "if False and"),
    ),
    *_in(
        "tidegate/domain/identity.py",
        ("client order id without the account", 'f"{len(account)}:{account}{signal_id}', 'f"{signal_id}'),
        ("client order id without the attempt", "{signal_id}{attempt}", "{signal_id}"),
        ("signal id without the sender", "{len(source)}:{source}{key}", "{key}"),
    ),
    *_in(
        "tidegate/domain/reading.py",
        ("price left out of the content hash", "_by_value(price), *said", "None, *said"),
        ("quantity left out of the content hash", "_by_value(quantity), *said", "None, *said"),
        ("side left out of the content hash", "said = (symbol, side,", 'said = (symbol, "",'),
    ),
    *_in(
        "tidegate/domain/lifecycle.py",
        ("signals counted in two places", "self.outcomes[before] -= 1", "pass"),
        ("parked for waiting", "(_O.UNKNOWN, e.Parked): _O.PARKED", "(_O.UNKNOWN, e.Parked): _O.WAITING"),
    ),
    *_in(
        "streams/placement.py",
        ("sent after its time to live", "elif now_ns >= order.entry.deadline_ns:", "elif False:"),
        ("sent during a halt", "if halted is not None and not (", "if False and not ("),
        ("nothing set aside before the intent", "                reserve(request)\n", ""),
        ("capital kept when the intent fails", "self._state.book.release(", "str("),
        ("attempts not counted", "entry.attempted(request)", "pass"),
        (
            "a rate limit costs an attempt",
            "if isinstance(answer, NotPlaced) and answer.reason not in COSTS_NO_ATTEMPT:",
            "if isinstance(answer, NotPlaced):",
        ),
        ("rejections forgotten", "entry.rejected_by |= {request.trader}", "pass"),
        ("places in flight not given back", "self._in_flight.give_back(len(outcomes))", "pass"),
        ("a failed outcome dropped", "self._settled, outcomes, must=True)", "self._settled, outcomes)"),
        (
            "what raised was not placed",
            'return [(order, Unanswered(detail=f"{type(error).__name__}: {error}")) for order in orders]',
            'return [(o, NotPlaced(reason=Reason.NO_ANSWER, detail=f"{error}", final=False)) for o in orders]',
        ),
        ("tried again without end", "case NotPlaced(detail=detail, evidence=seen) if", "case NotPlaced() if False and"),
        (
            "tried again though rejected",
            "case NotPlaced(reason=reason, detail=detail, final=True,",
            "case NotPlaced(reason=reason, detail=detail, final=None,",
        ),
    ),
    *_in(
        "streams/resolution.py",
        ("no lookup", "finding = await _ask(venue, order.request)", 'finding = NotFound(detail="not asked")'),
        ("no settle window", "and begun_ns >= lookup.closes_ns:", "and begun_ns >= 0:"),
        ("settle window by the answer", "and begun_ns >= lookup", "and self._clock.now_ns() >= lookup"),
        (
            "no answer for not found",
            "isinstance(finding, NotFound) and",
            "isinstance(finding, NotFound | Unanswered) and",
        ),
        (
            "everything proves",
            "proved=venue is not None and venue.unknown_order_policy.absence_is_proof",
            "proved=True",
        ),
        (
            "found by hand for not placed",
            "self._placement.resume(lookup.order, answer)\n        return lookup is not None\n\n    def resolve_as",
            "pass\n        return lookup is not None\n\n    def resolve_as",
        ),
    ),
    *_in(
        "streams/balance_comparison.py",
        (
            "no look at what moved while balances were read",
            " or moves[currency] != before[currency]",
            "",
        ),
        (
            "no look at orders that are on their way",
            "if _may_move(currency, more, moving) or moves",
            "if moves",
        ),
        (
            "balances taken over despite trades meanwhile",
            "            if _may_move(currency, more, moving):\n                continue\n",
            "",
        ),
        (
            "no look at orders that rest",
            "if order not in resting or order.order_id not in orders.current:",
            "if False:",
        ),
        (
            "fees in a third coin not waited for",
            "return currency in moving or (more < 0 and bool(moving))",
            "return currency in moving",
        ),
        ("currencies that are not named left alone", "totals.keys() | account", "totals.keys() & account"),
    ),
    *_in(
        "streams/order_comparison.py",
        ("listed trades not booked", "if not new and status is OrderStatus.OPEN:", "if True:"),
        (
            "over before its trades are listed",
            "status = order.status if whole else OrderStatus.OPEN",
            "status = order.status",
        ),
        ("strangers' orders taken for ours", " or not order_id.startswith(self._tag)", ""),
        ("unlisted orders not booked", "if isinstance(finding, Acknowledged):", "if False:"),
    ),
    *_in(
        "streams/reconciliation.py",
        ("what was missing not read again", "if apply and not parts:", "if settle:"),
        ("open before the balances are known", "return self._to_compare.get(trader) == set()", "return True"),
        ("orders not looked at again", "if read.is_open_to_doubt:", "if False:"),
    ),
    *_in(
        "streams/orders.py",
        ("trades booked twice", "if fill.trade_id not in known]", "]"),
        ("over before its trades are known", "over = whole and update.status", "over = update.status"),
        ("words before the acknowledgement dropped", "self._kept.setdefault(number, []).append(update)", "pass"),
        (
            "trades forgotten at a restart",
            "        for event in history.events:\n            self._trades_of(event.body)",
            "        pass",
        ),
    ),
    *_in(
        "streams/unexpected_orders.py",
        (
            "an order that turns up ignored",
            "        if history is None:\n",
            "        if history is not None:\n            return\n        if history is None:\n",
        ),
        ("a second order without a halt", "        if not new:\n            return\n", "        return\n"),
        ("an order that came back left waiting too", "self._pending.remove(history.number)", "pass"),
    ),
    *_in(
        "streams/state.py",
        ("reservations in the image", "return account.without(ahead) if ahead else account", "return account"),
        ("halt lost in the image", "self.halted, self.banned = image.halted,", "self.halted, self.banned = None,"),
    ),
    *_in(
        "streams/traders.py",
        ("a sale tried elsewhere", "    if signal.side is Side.SELL:\n        return False\n", ""),
        ("rejected accounts asked again", "if trader.id in without:", "if False:"),
    ),
    *_in(
        "streams/availability.py",
        ("a ban for one account only", "self._seen.values() if banned or address_wide else (seen,)", "(seen,)"),
        ("bans ignored", "if at_ns < suspension.until_ns:", "if False:"),
        (
            "orders before the books are compared",
            "if seen.not_reconciled is not None:\n            return",
            "if False:\n            return",
        ),
    ),
    *_in(
        "streams/pending.py",
        ("attempts forgotten at a restart", "entry.attempted(body)", "pass"),
        ("rejections forgotten at a restart", "entry.rejected_by |= {intent.trader}", "pass"),
    ),
    *_in(
        "streams/decision.py",
        (
            "every attempt the first",
            "signal, attempt = entry.signal, entry.attempts + 1",
            "signal, attempt = entry.signal, 1",
        ),
        (
            "no limits",
            "first_objection(of_order, signal, situation)",
            "first_objection(of_order[:1], signal, situation)",
        ),
    ),
    *_in(
        "operators/bridge.py",
        (
            "cancelled sends forgotten",
            "except (Exception, asyncio.CancelledError) as error:",
            "except Exception as error:",
        ),
    ),
    *_in(
        "operators/group_commit.py",
        (
            "no look at what is queued",
            "why_not = self._transitions.begin(items)",
            "self._transitions.begin(items); why_not = dict[int, str]()",
        ),
    ),
    *_in(
        "tidegate/journal/sqlite_file.py",
        ("commits not flushed", "PRAGMA synchronous = {synchronous}", "PRAGMA synchronous = normal"),
    ),
    *_in(
        "tidegate/journal/sqlite_tables.py",
        ("known signals taken for new", "rows.identities) == len(keys):", "rows.identities) <= len(keys):"),
    ),
    *_in(
        "tidegate/venues/ccxt/records.py",
        (
            "closed before its trades are known",
            "status=taken.status if complete else OrderStatus.OPEN",
            "status=taken.status",
        ),
    ),
    *_in(
        "tidegate/venues/ccxt/finding.py",
        (
            "another's order for ours",
            'self._quirks.client_order_id(order.get("clientOrderId")) == request.client_order_id',
            "True",
        ),
    ),
    *_in(
        "tidegate/venues/ccxt/redaction.py",
        ("keys in errors", "text = text.replace(form, _HIDDEN)", "pass"),
    ),
)
