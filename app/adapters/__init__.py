"""Adapters: one module per vendor, each a pure mapping in and out. `ADAPTERS` lists them by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from app.adapters import certinia, docusign, dynamics365, jira, netsuite, salesforce, sap, workday
from app.adapters.adapter import Adapter

ADAPTERS: Final[Mapping[str, Adapter]] = MappingProxyType(
    {
        module.ADAPTER.name: module.ADAPTER
        for module in (salesforce, docusign, certinia, netsuite, dynamics365, workday, jira, sap)
    }
)
