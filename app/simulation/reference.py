"""Master data that the whole firm shares: companies, clients, exchange rates, public holidays."""

from __future__ import annotations

from typing import Any

from app.simulation import wire
from app.simulation.agenda import Agenda, Desk
from app.simulation.dice import Dice
from app.simulation.portfolio import COUNTRIES, LEGAL_ENTITIES, Client
from app.simulation.rates import PER_THOUSAND_USD

LATE_CUSTOMER = 9
"""One client in so many has no number in the ERP when the firm begins, and gets it a month later."""


class Reference:
    """Says what exists on the opening day, and what changes of it."""

    def __init__(self, agenda: Agenda, desk: Desk, clients: list[Client], dice: Dice) -> None:
        self.agenda = agenda
        self.desk = desk
        self.days = agenda.days
        self.clients = clients
        self.dice = dice

    def open(self) -> None:
        """Plan everything this part ever says."""
        self.agenda.plan(0, self._companies)
        self.agenda.plan(0, self._holidays)
        self.agenda.plan(0, self._company_days)
        for client in self.clients:
            self._client(client)
        for day in (0, *self.days.month_starts()):
            self.agenda.plan(day, self._exchange_rates)

    def _companies(self, day: int) -> None:
        for currency, entity in LEGAL_ENTITIES.items():
            said = {"legal_entity_id": entity, "currency": currency, "country": COUNTRIES[currency]}
            self.desk.say(day, wire.ERP, "legal_entity.upserted", entity, said)

    def _holidays(self, day: int) -> None:
        for region, holidays in self.days.holidays.items():
            for holiday in holidays:
                entity = f"H-{region}-{self.days.name(holiday)}"
                said = {"holiday_id": entity, "date": self.days.name(holiday), "region": region}
                self.desk.say(day, wire.HR, "holiday.set", entity, said)

    def _company_days(self, day: int) -> None:
        """A day off for everybody late in the year to come, and one that is announced and withdrawn again."""
        for number, in_days in ((1, 180), (2, 90)):
            on = self.days.workday(self.days.last + in_days)
            said = {"holiday_id": f"H-all-{number}", "date": self.days.name(on)}
            self.desk.say(day, wire.HR, "holiday.set", f"H-all-{number}", said)
        self.agenda.plan(day + 16, self._withdraw)

    def _withdraw(self, day: int) -> None:
        self.desk.say(day, wire.HR, "holiday.removed", "H-all-2", {"holiday_id": "H-all-2"}, revision=2)

    def _client(self, client: Client) -> None:
        number = int(client.client_id[3:])
        country = COUNTRIES[client.currency]
        said: dict[str, Any] = {
            "client_id": client.client_id,
            "name": f"Client {number}",
            "tax_id": f"{country}{800_000_000 + number}",
            "billing_address": {"country": country},
        }
        full = {**said, "erp_customer_id": f"{100_000 + number}"}
        late = number % LATE_CUSTOMER == 4

        def first(day: int) -> None:
            self.desk.say(day, wire.ERP, "client.upserted", client.client_id, said if late else full)

        def second(day: int) -> None:
            self.desk.say(day, wire.ERP, "client.upserted", client.client_id, full, revision=2)

        self.agenda.plan(0, first)
        if late:
            self.agenda.plan(30, second)

    def _exchange_rates(self, day: int) -> None:
        """Next to the simulator's fixed rates, up to two per cent either way."""
        for currency, per_thousand in PER_THOUSAND_USD.items():
            if currency == "USD":
                continue
            moved = per_thousand * self.dice.between(980, 1_020)
            on = self.days.name(day)
            said = {
                "from_currency": "USD",
                "to_currency": currency,
                "on": on,
                "rate": f"{moved // 1_000_000}.{moved % 1_000_000:06d}",
            }
            self.desk.say(day, wire.ERP, "fx.rate.set", f"USD/{currency}/{on}", said)
