"""What each line has earned, period by period: a hint for whoever recognises revenue.

Sources: design section 5 "Percent complete"; domain rules R13, R15, R16, R33. The measure follows the billing method
that holds at the period's end (or on as-of, if that lies within it): time at its price, under an amount that caps it;
accepted milestones; cost to cost; a month of a retainer; what is drawn from a prepaid block.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from app.domain import calendar, completion, period
from app.domain.burn import Position
from app.domain.fees import months_of
from app.domain.ledger import Pair
from app.domain.money import show
from app.domain.resolution import Message
from app.domain.terms import Line, Terms

METHODS: Final[Mapping[str, str]] = {
    "time_and_materials": "right_to_invoice",
    "prepaid": "units_drawn",
    "milestone": "milestones",
    "percent_complete": "cost_to_cost",
    "retainer": "time_elapsed",
    "non_billable": "none",
}
"""How revenue of a line is measured, by its billing method."""

_BY_VALUE: Final = ("time_and_materials", "prepaid")


class Accepted(NamedTuple):
    """A milestone that was accepted: on that day, or where none was said, on the day of the message."""

    line_id: str | None
    on: int
    amount: int


class Said(NamedTuple):
    """What of a contract's papers its revenue rests on.

    `estimates` are the messages of each estimate. `first` is the earliest day on which any message about the contract
    or its milestones says that something begins or was accepted, whatever became of it: no period before it has ever
    had anything.
    """

    accepted: Sequence[Accepted] = ()
    estimates: Sequence[Sequence[Message]] = ()
    first: int = calendar.FOREVER


class Hint(NamedTuple):
    """What a line has earned by the end of a period, and of it in the period; micro-units, rounded.

    `catch_up` is the part of the period that another estimate, or time recorded late, brought, `loss` what the line
    will cost beyond its fee. `measure` is what it was measured by: a name and a text.
    """

    line_id: str | None
    period: str
    on: int
    terms: Terms
    method: str
    amount: int
    cumulative: int
    catch_up: int
    loss: int
    measure: Mapping[str, Any]


class _Account:
    """A line's revenue so far: `earned`; `value` of its time, of which a cap let `passed` through."""

    def __init__(self) -> None:
        self.earned = self.value = self.passed = 0

    def let(self, value: int, line: Line | None) -> None:
        """Time at its price, up to an amount that caps it."""
        self.value += value
        cap = line.cap if line is not None else None
        limited = cap is not None and cap.amount is not None and cap.on_exceed != "warn"
        passed = min(self.value, cap.amount) if limited and cap is not None and cap.amount is not None else self.value
        self.earned += passed - self.passed
        self.passed = passed


def hints(position: Position, said: Said, since: int = calendar.BEGINNING) -> Iterator[Hint]:
    """Every line's periods from the one of the day `since` to that of as-of, empty ones included; by line, in order.

    What belongs to no line has hints of its own, empty or not: what did once may have found its line since. Without
    terms, or without an as-of, there are none.
    """
    if position.terms is None or position.as_of is None:
        return
    first, lines = reach(position, said)
    for line_id in lines:
        yield from _of_line(position, said, line_id, max(first, since))


def reach(position: Position, said: Said) -> tuple[int, tuple[str | None, ...]]:
    """From which day on, and for which lines, there are hints; empty ones appear where it grows."""
    return _first_day(position, said), (None, *position.lines())


def _of_line(position: Position, said: Said, line_id: str | None, since: int) -> Iterator[Hint]:
    as_of = position.day
    first = _first_day(position, said)
    worked = position.sums[line_id or ""].periods if (line_id or "") in position.sums else {}
    accepted = [one for one in said.accepted if (one.line_id or _only(position)) == line_id and one.on <= as_of]
    account = _Account()
    if since > first and not accepted and position.agreement.sells_time(line_id):
        begun = calendar.period_of(since)
        account.let(sum(amount for name, (_, amount) in worked.items() if name < begun), None)
        first = since
    months: dict[str, int] | None = None
    for name in period.periods(first, as_of):
        last = min(period.last_day(name), as_of)
        terms = position.agreement.on(last)
        assert terms is not None  # a contract with terms on a day has terms on every day
        line = terms.lines.get(line_id) if line_id is not None else None
        method = line.billing_method if line is not None else "time_and_materials"
        before, catch_up, loss = account.earned, 0, 0
        measure: Mapping[str, Any] = {}
        if method == "percent_complete" and line is not None:
            catch_up, loss, measure = _by_cost(account, position, said, line, terms, last)
        elif method != "non_billable":
            if method in _BY_VALUE:
                minutes, amount = worked.get(name, _NOTHING)
                account.let(amount, line)
                measure = {"minutes": minutes}
            elif method == "retainer" and line_id is not None:
                months = _months(position, line_id) if months is None else months
                account.earned += months.get(name, 0)
            milestones = [one.amount for one in accepted if calendar.period_of(one.on) == name]
            account.earned += sum(milestones)
            if milestones:
                measure = {**measure, "milestones": len(milestones)}
        if last >= since:
            amount = account.earned - before
            yield Hint(line_id, name, last, terms, METHODS[method], amount, account.earned, catch_up, loss, measure)


_NOTHING: Final[Pair] = [0, 0]


def _only(position: Position) -> str | None:
    return position.terms.only_line if position.terms is not None else None


def _first_day(position: Position, said: Said) -> int:
    """The first day of the first period that may ever have had anything."""
    pages = [calendar.page_start(page) for page in position.book.pages if page > calendar.page_of(calendar.BEGINNING)]
    return min([said.first, position.day, *pages])


def _months(position: Position, line_id: str) -> dict[str, int]:
    return {month.period: month.fee + (month.overage_amount or 0) for month in months_of(position, line_id)}


def _by_cost(
    account: _Account, position: Position, said: Said, line: Line, terms: Terms, last: int
) -> tuple[int, int, Mapping[str, Any]]:
    """Carry the account to fee × cost ÷ estimate, as both were known at the period's end.

    A loss is expected once the contract has begun.
    """
    # A period that is over keeps to what was recorded by its end; the one that is not goes by all that is known.
    over = calendar.period_of(last) != calendar.period_of(position.day)
    known_on = last if over else calendar.FOREVER
    known = completion.estimates(said.estimates, known_on)
    estimate = completion.in_force(known, line.line_id, last, only_line=terms.only_line)
    begun = last >= position.agreement.steps()[0][0]
    fee = line.fee or 0
    cost = position.book.cost(line.line_id, last, known_on)
    measure: Mapping[str, Any] = {"cost": cost, "estimate": estimate}
    # What had been spent before counts only against an estimate.
    before = position.book.cost(line.line_id, calendar.month_start(last) - 1, known_on) if estimate else 0
    progress = completion.Progress(calendar.period_of(last), fee, cost, estimate)
    found = completion.step(progress, account.earned, before, terms.exponent, half_even=terms.rounding.half_even)
    account.earned = found.cumulative
    return found.catch_up, found.expected_loss if begun else 0, measure


def payload(position: Position, hint: Hint) -> dict[str, Any]:
    """`revenue.hinted` of one line and period; as of the period's end, or of as-of within it."""
    exponent = hint.terms.exponent
    return {
        "contract_id": position.contract_id,
        "line_id": hint.line_id,
        "period": hint.period,
        "as_of": calendar.text_of(hint.on),
        "currency": hint.terms.currency,
        "contract_version": hint.terms.version,
        "legal_entity_id": hint.terms.said.get("legal_entity_id"),
        "method": hint.method,
        "period_amount": show(hint.amount, exponent),
        "cumulative_amount": show(hint.cumulative, exponent),
        "catch_up_amount": show(hint.catch_up, exponent),
        "expected_loss_amount": show(hint.loss, exponent),
        "measure": {
            name: value if value is None or name in ("minutes", "milestones") else show(value, exponent)
            for name, value in hint.measure.items()
        },
    }


def content(hint: Hint) -> tuple[object, ...]:
    """All that `payload` says of a hint: equal for two of the same line and period if those are."""
    terms = hint.terms
    said = terms.currency, terms.version, terms.said.get("legal_entity_id"), terms.exponent
    figures = hint.method, hint.amount, hint.cumulative, hint.catch_up, hint.loss
    return hint.on, *said, *figures, *hint.measure.items()


def earned(position: Position, said: Said, known: Iterable[Hint] | None = None) -> dict[str | None, int]:
    """What each line has earned by as-of; micro-units. `known`: hints up to as-of, where somebody has them."""
    if position.as_of is None:
        return {}
    its = hints(position, said, position.as_of) if known is None else known
    return {hint.line_id: hint.cumulative for hint in its if hint.on == position.as_of}


def says(hint: Hint) -> bool:
    """Whether there is anything to it: a period in which nothing was earned yet says nothing."""
    return bool(hint.cumulative or hint.amount or hint.loss)
