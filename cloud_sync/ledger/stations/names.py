"""The names by which people know a community and its stations, in the reader's language."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext

from cloud_sync.ledger.site.language import localized
from cloud_sync.ledger.stations.models import Community, Station


def community_name(community: Community) -> str:
    """Return a community's name in the reader's language."""
    return localized(community.name_zh, community.name_en) or community.slug


def place_name(communities: Sequence[Community]) -> str:
    """Return the heading of a page about these communities: the only one's name, or the system's."""
    return community_name(communities[0]) if len(communities) == 1 else gettext("Tongzhan")


def station_name(station: Station) -> str:
    """Return a station's name in the reader's language; one without a name is called by its slug."""
    return localized(station.name_zh, station.name_en) or unnamed(station.slug)


def unnamed(slug: str) -> str:
    """Return the name to show for a station without one."""
    return gettext("Station %(slug)s") % {"slug": slug}


def station_names(community: Community) -> dict[str, str]:
    """Return the name of each station of a community by its slug."""
    return {station.slug: station_name(station) for station in community.stations.all()}
