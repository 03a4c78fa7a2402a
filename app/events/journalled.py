"""All that a journal may hold: what came in, and what agents tell each other."""

from __future__ import annotations

from app.events.fact import Fact
from app.events.home import Home
from app.events.measure import Measure
from app.events.plan import Plan
from app.events.posting import Draft, Halt, Moment, Reply, Resend
from app.events.share import Share
from app.events.stint import Assigned, Stint
from app.events.wanted import Wanted

Journalled = Fact | Home | Plan | Stint | Assigned | Wanted | Share | Measure | Draft | Reply | Resend | Halt | Moment
"""Each says in its first position which it is."""
