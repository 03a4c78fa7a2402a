"""Reading a contract's ledger: exact totals over any stretch of days, from as few stored values as possible.

The ladder is row → bucket → page → head. A stored sum answers for all its days at once; only a sum that straddles an
edge of the question is opened one step further down.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from app.domain import calendar
from app.domain.ledger import (
    ADJUSTED,
    AMOUNT,
    APPROVED,
    BILLABLE,
    CLAIMED_ENTRIES,
    COST,
    RISE_AMOUNT,
    RISE_MINUTES,
    SUBMITTED,
    Bucket,
    Claims,
    Row,
    Spend,
    Sum,
    is_unbilled,
    merged,
    tally,
)

Lines = Mapping[str, Sum]  # by line id; "" is work that belongs to no line


@dataclass(frozen=True, slots=True)
class Book:
    """One contract's ledger: its head's pages, and loaders for what is stored one and two steps down."""

    pages: Mapping[int, Lines]
    page: Callable[[int], Mapping[int, Lines]]
    bucket: Callable[[int], Bucket]

    def line_ids(self) -> set[str]:
        return {line for lines in self.pages.values() for line in lines}

    def between(self, low: int, high: int, as_of: int) -> dict[str, Sum]:
        """What each line comes to on the work dates in [low, high], both inclusive, as of a day."""
        parts: dict[str, list[Sum]] = {}
        for page, lines in self.pages.items():
            if all(low <= s.first and s.last <= high and s.horizon <= as_of for s in lines.values()):
                _gather(parts, lines)
            elif any(s.first <= high and s.last >= low for s in lines.values()):
                self._open_page(parts, page, low, high, as_of)
        return {line: sums[0] if len(sums) == 1 else merged(sums) for line, sums in parts.items()}

    def _open_page(self, parts: dict[str, list[Sum]], page: int, low: int, high: int, as_of: int) -> None:
        for start, lines in self.page(page).items():
            if all(low <= s.first and s.last <= high and s.horizon <= as_of for s in lines.values()):
                _gather(parts, lines)
            elif any(s.first <= high and s.last >= low for s in lines.values()):
                _gather(parts, tally(self.bucket(start), start, low, high, as_of))

    def cost(self, line: str, day: int, known_on: int = calendar.FOREVER) -> int:
        """What a line's work up to `day` costs; as it was known at the end of `known_on`, the last day of a month."""
        found = 0
        for page, lines in self.pages.items():
            if line not in lines or lines[line].first > day:
                continue
            if lines[line].last <= day:
                found += _cost(lines[line], known_on)
                continue
            for start, stored in self.page(page).items():
                if line in stored and start <= day:
                    inside = stored if stored[line].last <= day else tally(self.bucket(start), start, 1, day, day)
                    found += _cost(inside[line], known_on) if line in inside else 0
        return found

    def days(self, line: str | None, low: int, high: int, as_of: int | None = None) -> Iterator[tuple[int, int, int]]:
        """(day, minutes, amount) of approved billable work in [low, high] as of a day (None: `high`), in order.

        `line` None: of the contract.
        """
        as_of = high if as_of is None else as_of
        for page in sorted(self.pages):
            if page < calendar.page_of(low):
                continue
            if page > calendar.page_of(high):
                break
            if line is not None and line not in self.pages[page]:
                continue
            yield from self._page_days(page, line, low, high, as_of)

    def _page_days(
        self, page: int, line: str | None, low: int, high: int, as_of: int
    ) -> Iterator[tuple[int, int, int]]:
        buckets = self.page(page)
        for start in sorted(buckets):
            if start <= high and start + 6 >= low:
                yield from self._bucket_days(start, buckets[start], line, low, high, as_of)

    def _bucket_days(
        self, start: int, lines: Lines, line: str | None, low: int, high: int, as_of: int
    ) -> Iterator[tuple[int, int, int]]:
        if any(s.kept > as_of for s in lines.values()):
            lines = tally(self.bucket(start), start, calendar.BEGINNING, calendar.FOREVER, as_of)
        sums = [s.days for name, s in lines.items() if s.days and (line is None or name == line)]
        if not sums:
            return
        for place in range(max(low - start, 0), min(high - start, 6) + 1):
            minutes = amount = 0
            for days in sums:
                minutes += days[place][0]
                amount += days[place][1]
            if minutes or amount:
                yield start + place, minutes, amount

    def rows(self, low: int, high: int) -> Iterator[tuple[str, Row, Claims | None]]:
        """(entry id, row, its claims) of every entry in [low, high], by (work date, entry id)."""
        for start in self.starts(low, high):
            yield from self._bucket_rows(start, low, high)

    def unbilled_spends(self, low: int, high: int, as_of: int) -> Iterator[tuple[str, Spend]]:
        """(expense id, expense) of what may be invoiced in [low, high] as of a day, by (day, id)."""
        for start in self.starts(low, high):
            bucket = self.bucket(start)
            for expense, spend in sorted(bucket.spends.items(), key=lambda item: (item[1].day, item[0])):
                claims = bucket.claims.get(f"expense/{expense}")
                if low <= spend.day <= high and is_unbilled(spend, claims, as_of):
                    yield expense, spend

    def starts(self, low: int, high: int) -> Iterator[int]:
        """First days of all buckets with a day in [low, high], in order; those that only remember the departed too."""
        for page in sorted(self.pages):
            if calendar.page_of(low) <= page <= calendar.page_of(high):
                yield from (start for start in sorted(self.page(page)) if start <= high and start + 6 >= low)

    def works_before(self, day: int) -> bool:
        """Whether any approved or submitted entry, or an approved expense that has an amount, lies before a day."""
        for start in self.starts(calendar.BEGINNING, day - 1):
            bucket = self.bucket(start)
            if any(row.day < day and row.status in (APPROVED, SUBMITTED) for row in bucket.rows.values()):
                return True
            spends = bucket.spends.values()
            if any(spend.day < day and spend.status == APPROVED and spend.amount is not None for spend in spends):
                return True
        return False

    def _bucket_rows(self, start: int, low: int, high: int) -> Iterator[tuple[str, Row, Claims | None]]:
        bucket = self.bucket(start)
        for entry, row in sorted(bucket.rows.items(), key=lambda item: (item[1].day, item[0])):
            if low <= row.day <= high:
                yield entry, row, bucket.claims.get(f"time/{entry}")

    def invoiced(self, as_of: int) -> Iterator[tuple[int, str, Row | Spend | None, list[str], Claims]]:
        """(first day of its bucket, `kind/id`, what it is, lines it left, claims) of what invoices name and may differ.

        It is None, and the lines are those it had here, where the entry or expense left the contract.
        """
        for page in sorted(self.pages):
            if not _may_differ(self.pages[page], as_of):
                continue
            for start in sorted(start for start, lines in self.page(page).items() if _may_differ(lines, as_of)):
                bucket = self.bucket(start)
                for entry, row in bucket.rows.items():
                    if claims := bucket.claims.get(key := f"time/{entry}"):
                        yield start, key, row, [], claims
                for expense, spend in bucket.spends.items():
                    if claims := bucket.claims.get(key := f"expense/{expense}"):
                        yield start, key, spend, [], claims
                for key, gone in bucket.gone.items():
                    claims = bucket.claims.get(key)
                    if claims and gone.holds:
                        yield start, key, None, gone.lines, claims

    def used_up(
        self,
        amount: int,
        high: int,
        worth: Callable[[Sum], int | None],
        billable: Callable[[Row, Claims | None], int],
    ) -> tuple[int, list[tuple[int, str, int]]]:
        """Walk from the oldest work up to `high` until `amount` is used up by what is to be billed.

        Returns what was used before, and (work date, entry id, `billable`) of the entries among which it ends; none
        where there is not as much. `worth` says what a sum comes to, None where its entries must be asked.
        """
        used = 0
        for page in sorted(self.pages):
            if page > calendar.page_of(high):
                break
            whole = _worth(self.pages[page], worth)
            if whole is not None and used + whole <= amount:
                used += whole
                continue
            for start, lines in sorted(self.page(page).items()):
                whole = _worth(lines, worth)
                if whole is not None and used + whole <= amount:
                    used += whole
                    continue
                rows = [
                    (row.day, entry, billable(row, claims)) for entry, row, claims in self._bucket_rows(start, 0, high)
                ]
                here = sum(max(left, 0) for _, _, left in rows)
                if used + here > amount:
                    return used, rows
                used += here
        return used, []

    def reached(self, line: str | None, dimension: int, target: int, as_of: int) -> int | None:
        """First work date up to `as_of` on which the running total is at least `target`; None if there is none.

        `dimension` is 0 for minutes, 1 for amount. What cannot reach the target with its positive part is not opened.
        """
        running = 0
        for page in sorted(self.pages):
            if page > calendar.page_of(as_of):
                break
            passed = _short_of(target - running, self.pages[page], line, dimension, as_of)
            if passed is not None:
                running += passed
                continue
            for start, lines in sorted(self.page(page).items()):
                if start > as_of:
                    break
                passed = _short_of(target - running, lines, line, dimension, as_of)
                if passed is not None:
                    running += passed
                    continue
                for found in self._bucket_days(start, lines, line, calendar.BEGINNING, as_of, as_of):
                    running += found[1 + dimension]
                    if running >= target:
                        return found[0]
        return None


_TOTAL = (BILLABLE, AMOUNT)
_RISE = (RISE_MINUTES, RISE_AMOUNT)


def _short_of(target: int, lines: Lines, line: str | None, dimension: int, as_of: int) -> int | None:
    """What sums add to the running total if no day within can reach the target with it; None if one might."""
    risen = total = 0
    for its in lines.values() if line is None else (lines[line],) if line in lines else ():
        if its.kept > as_of:
            return None
        risen += its.totals[_RISE[dimension]]
        total += its.totals[_TOTAL[dimension]]
    return total if risen < target else None


def _may_differ(lines: Lines, as_of: int) -> bool:
    """Whether something invoiced of these sums may hold something else than was invoiced."""
    return any(
        s.totals[ADJUSTED] or s.horizon > as_of or (s.last > as_of and (s.totals[CLAIMED_ENTRIES] or s.billed_spends))
        for s in lines.values()
    )


def _worth(lines: Lines, worth: Callable[[Sum], int | None]) -> int | None:
    parts = [worth(total) for total in lines.values()]
    return None if None in parts else sum(part for part in parts if part)


def _cost(total: Sum, known_on: int) -> int:
    if not total.late or known_on == calendar.FOREVER:
        return total.totals[COST]
    over = calendar.period_of(known_on)
    return total.totals[COST] - sum(amount for period, amount in total.late.items() if period > over)


def _gather(parts: dict[str, list[Sum]], lines: Lines) -> None:
    for line, total in lines.items():
        parts.setdefault(line, []).append(total)
