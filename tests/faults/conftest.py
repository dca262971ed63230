"""The whole bridge of the journeys, to be put in trouble."""

from tests.journeys.conftest import ground, open_site, site

__all__ = ["ground", "open_site", "site"]
