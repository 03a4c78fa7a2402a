"""All that a journal may hold: what came in, and what agents tell each other."""

from __future__ import annotations

from app.events.fact import Fact
from app.events.home import Home
from app.events.plan import Plan

Journalled = Fact | Home | Plan
"""Each says in its first position which it is."""
