"""The few countries and cities that visitors come from, and the catalogue of regions."""

from __future__ import annotations

from typing import Final

__all__ = ["CITIES", "CODES", "COUNTRIES", "REGIONS"]

COUNTRIES: Final = {"DE": "Germany", "US": "United States", "FR": "France", "JP": "Japan", "BR": "Brazil"}
CODES: Final = {name: code for code, name in COUNTRIES.items()}
#: Geoname id -> name, country. Ids are texts in clicks and in a link's statistics, numbers in a domain's.
CITIES: Final = {
    "2950159": ("Berlin", "DE"),
    "2886242": ("Köln", "DE"),
    "5128581": ("New York", "US"),
    "2988507": ("Paris", "FR"),
    "1850147": ("Tōkyō", "JP"),
    "3448439": ("São Paulo", "BR"),
}
REGIONS: Final = {
    "US": {"CA": "California", "NY": "New York", "TX": "Texas"},
    "DE": {"BE": "Berlin", "BY": "Bayern"},
}
