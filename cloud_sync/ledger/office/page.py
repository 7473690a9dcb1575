"""The office's page, in the language that is activated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext, ngettext

from cloud_sync.ledger.fleet.status import count_online
from cloud_sync.ledger.fleet.waiting import open_groups
from cloud_sync.ledger.intake.parse import Reason
from cloud_sync.ledger.office import pending
from cloud_sync.ledger.office.groups import HeldGroup, held_groups
from cloud_sync.ledger.office.items import (
    Action,
    Choice,
    Field,
    Item,
    Page,
    Section,
    Shown,
    StationCounts,
    Technical,
)
from cloud_sync.ledger.office.recent import recent
from cloud_sync.ledger.office.texts import ALARMS, ASIDE, HELD, counted, explained, named
from cloud_sync.ledger.officers.rights import Deed
from cloud_sync.ledger.points.models import Household
from cloud_sync.ledger.statement.links import ended_links
from cloud_sync.ledger.statement.texts import moment, within
from cloud_sync.ledger.stations.models import Alarm, Community
from cloud_sync.ledger.stations.names import community_name, place_name, station_name, station_names
from cloud_sync.rules.award_rules import HeldBy

SHOWN = 50
"""Items of one kind; a command lists more."""
MANY = 2
"""Fewest communities for which the filter is shown."""
APPLICABLE = {Reason.UNKNOWN_RULES, Reason.MALFORMED}
"""Reasons for which something set aside may be applied later."""
CARD_DIGITS, GROUP = 12, 4


def make_page(shown: Shown, choices: tuple[Choice, ...], now: datetime) -> Page:
    """Build the page as things stand at `now`; `choices` are the communities that may be chosen."""
    writers = _Writers(shown, now)
    with_points = shown.where(Deed.SEE_POINTS)
    return Page(
        place=place_name(shown.communities),
        choices=choices,
        sections=tuple(_sections(shown, writers)),
        debts=_debts(with_points) if with_points else "",
        stations=_stations(shown, now),
        done=recent(shown, now),
        shows_links=bool(with_points),
        links=tuple(
            writers.of(row.community.slug).ended_link(row) for row in ended_links(with_points, SHOWN)
        ),
        unlink=None if shown.are_named else _unlink(shown),
        reads_audit=bool(shown.where(Deed.READ_AUDIT)),
        may_add_stations=bool(shown.where(Deed.ADD_STATION)),
        may_unlink=bool(shown.where(Deed.END_LINKS)),
    )


def _sections(shown: Shown, writers: _Writers) -> Iterator[Section]:
    """Yield what the officer may see; a section that they may see nowhere is left out."""
    if here := shown.where(Deed.SEE_STATIONS):
        of_town = shown.rights.may(Deed.SEE_STATIONS, None)
        found = pending.open_alarms(here, SHOWN + 1, of_town=of_town)
        alarms = [writers.of(row.community).alarm(row) for row in found]
        yield _section("alarms", gettext("Alarms"), gettext("No alarm is open."), alarms)
    if here := shown.where(Deed.SEE_POINTS):
        groups = held_groups(here, SHOWN + 1)
        held = [writers.of(group.newest.community.slug).held(group) for group in groups]
        yield _section("held", gettext("Points on hold"), gettext("No points are on hold."), held)
    if here := shown.where(Deed.SEE_ASIDE):
        aside = [writers.of(row.community.slug).aside(row) for row in pending.set_aside(here, SHOWN + 1)]
        yield _section("aside", gettext("Set aside"), gettext("Nothing is set aside."), aside)


def _debts(communities: tuple[Community, ...]) -> str:
    owed = len(pending.open_debts(communities, SHOWN + 1))
    return f"{SHOWN}+" if owed > SHOWN else str(owed)


def _stations(shown: Shown, now: datetime) -> StationCounts:
    of_town = shown.rights.may(Deed.SEE_STATIONS, None)
    waiting = [group for group in open_groups(shown.communities, now, of_town=of_town) if group.waits]
    return StationCounts(*count_online(shown.communities, now), len(waiting))


def _section(anchor: str, title: str, empty: str, items: Sequence[Item]) -> Section:
    return Section(anchor, title, empty, tuple(items[:SHOWN]), more=len(items) > SHOWN)


def choices_of(communities: Sequence[Community], chosen: str) -> tuple[Choice, ...]:
    """Return the filter by community; empty where there is no choice."""
    if len(communities) < MANY:
        return ()
    named = [Choice(one.slug, community_name(one), one.slug == chosen) for one in communities]
    return (Choice("", gettext("All communities"), not chosen), *named)


def _unlink(shown: Shown) -> Action | None:
    if not (here := shown.where(Deed.END_LINKS)):
        return None
    return Action(
        deed=Deed.END_LINKS,
        url=shown.action_url("office-unlink", here[0]),
        label=gettext("Take back a household's links"),
        effect=gettext("Links that were given out stop working at once; ask for a new one afterwards."),
        submit=gettext("Take back the links"),
        fields=(Field.HOUSEHOLD, Field.REASON),
    )


def card_code(card: str) -> str:
    """Return the first digits of a card's hash in groups, as people compare them."""
    digits = card[:CARD_DIGITS].upper()
    return " ".join(digits[start : start + GROUP] for start in range(0, len(digits), GROUP))


class _Writers:
    """One writer for each community, made at first use."""

    def __init__(self, shown: Shown, now: datetime) -> None:
        self._shown, self._now = shown, now
        self._communities = {community.slug: community for community in shown.communities}
        self._writers: dict[str, _ItemWriter] = {}

    def of(self, slug: str) -> _ItemWriter:
        """Return a community's writer; for alarms of the whole ledger that of the first community."""
        community = self._communities.get(slug, self._shown.communities[0])
        if community.slug not in self._writers:
            names = station_names(community)
            self._writers[community.slug] = _ItemWriter(self._shown, community, self._now, names)
        return self._writers[community.slug]


@dataclass(frozen=True, slots=True)
class _ItemWriter:
    """Puts rows into words, with times and names as the community has them."""

    shown: Shown
    community: Community
    now: datetime
    stations: dict[str, str]

    def alarm(self, row: Alarm) -> Item:
        times = ngettext("%(times)d time", "%(times)d times", row.times) % {"times": row.times}
        close = Action(
            deed=Deed.CLOSE_ALARM,
            url=self._url("office-close-alarm", row.pk),
            label=gettext("Seen to"),
            effect=gettext("It goes from this list, and opens again if it happens again."),
            submit=gettext("Close this alarm"),
            fields=(),
        )
        return Item(
            said=explained(row.reason, ALARMS),
            facts=(*self._place(row.community), self._station(row.station), self._when(row.last_at), times),
            actions=self._allowed((close,)),
            technical=(
                Technical(gettext("Number"), str(row.pk)),
                Technical(gettext("Kind"), row.reason),
                Technical(gettext("Station"), row.station),
                Technical(gettext("Last detail"), row.detail),
            ),
        )

    def held(self, group: HeldGroup) -> Item:
        visit = group.newest
        station = station_name(visit.event.station)
        visits = ngettext("%(visits)d visit", "%(visits)d visits", group.visits) % {"visits": group.visits}
        since = gettext("since %(when)s") % {"when": within(self._when(group.since))}
        return Item(
            said=explained(group.reason, HELD),
            facts=(*self._place(), counted(group.points), visits, self._whose(group), station, since),
            actions=self._allowed(self._held_actions(group)),
            hint=self._last_tap(group),
            technical=(
                Technical(gettext("Number"), str(visit.pk)),
                Technical(gettext("Card code"), card_code(visit.card_hash)),
                Technical(gettext("Station"), visit.event.station.slug),
                Technical(gettext("Command"), f"tongzhan ledger held list{self._option} --config F"),
            ),
        )

    def aside(self, row: pending.Quarantined) -> Item:
        return Item(
            said=explained(row.reason, ASIDE),
            facts=(*self._place(), self._station(row.station), self._when(row.came)),
            actions=self._allowed(self._aside_actions(row)),
            technical=(
                Technical(gettext("Number"), row.number),
                Technical(gettext("Kind"), row.reason),
                Technical(gettext("Record"), row.name or "-"),
                Technical(
                    gettext("Command"), f"tongzhan ledger aside show {row.number}{self._option} --config F"
                ),
            ),
        )

    def ended_link(self, row: Household) -> str:
        """Say when, by whom and why a household's links were taken back last."""
        decision = row.links_ended_by
        whose = " · ".join((*self._place(), row.code))
        if decision is None:
            return whose
        when = within(self._when(decision.decided_at))
        said = {"household": whose, "when": when, "by": decision.by}
        return gettext("%(household)s: %(when)s, by %(by)s. %(reason)s") % {**said, "reason": decision.reason}

    def _held_actions(self, group: HeldGroup) -> Sequence[Action]:
        visit, points = group.newest, counted(group.points)
        withhold = Action(
            deed=Deed.DECIDE_HELD,
            url=self._url("office-withhold", visit.pk),
            label=gettext("Do not give"),
            effect=gettext("The resident does not get these %(points)s. This cannot be undone.")
            % {"points": points},
            submit=gettext("Do not give %(points)s") % {"points": points},
        )
        if group.reason is HeldBy.UNKNOWN_CARD:
            register = Action(
                deed=Deed.REGISTER_CARD,
                url=self._url("office-register", visit.pk),
                label=gettext("Register this card"),
                effect=gettext("The card becomes this household's, which gets %(points)s.")
                % {"points": points},
                submit=gettext("Register and give %(points)s") % {"points": points},
                fields=(Field.HOUSEHOLD, Field.REASON),
            )
            return (register, withhold)
        give = Action(
            deed=Deed.DECIDE_HELD,
            url=self._url("office-give", visit.pk),
            label=gettext("Give"),
            effect=self._effect_of_giving(visit.household if group.cards == 1 else None, points),
            submit=gettext("Give %(points)s") % {"points": points},
        )
        return (give, withhold)

    def _aside_actions(self, row: pending.Quarantined) -> Sequence[Action]:
        dismiss = Action(
            deed=Deed.DECIDE_ASIDE,
            url=self._url("office-dismiss", row.number),
            label=gettext("The first stays") if row.reason == Reason.CONFLICT else gettext("Nothing to do"),
            effect=gettext(
                "It goes from this list and stays stored as evidence. The station no longer shows it as a "
                "fault. You can show it again below."
            ),
            submit=gettext("Take it off the list"),
        )
        if row.reason not in APPLICABLE:
            return (dismiss,)
        apply = Action(
            deed=Deed.DECIDE_ASIDE,
            url=self._url("office-apply", row.number),
            label=gettext("Apply it now"),
            effect=gettext("It counts as if it had just come, once. If it still cannot, nothing changes."),
            submit=gettext("Apply it"),
            fields=(),
        )
        return (apply, dismiss)

    def _last_tap(self, group: HeldGroup) -> str:
        """Say where and when an unregistered card was used last, by which a person can recognise it."""
        tap = group.last_tap
        if tap is None or group.newest.household is not None or not self._may(Deed.REGISTER_CARD):
            return ""
        text = gettext(
            "This card was last tapped %(when)s at %(station)s. To find out whose it is, ask the resident to "
            "tap it there now and reload this page: the time here changes."
        )
        return text % {
            "when": within(self._when(tap.happened_at)),
            "station": station_name(tap.event.station),
        }

    def _station(self, slug: str) -> str:
        if slug == pending.ANYWHERE:
            return gettext("The ledger itself")
        return self.stations.get(slug) or gettext("A station that is not registered")

    def _when(self, at: datetime) -> str:
        return moment(at, self.now, ZoneInfo(self.community.timezone))

    def _place(self, slug: str = "") -> tuple[str, ...]:
        """Return the community's name if several are shown; nothing for alarms of the whole ledger."""
        return (community_name(self.community),) if self.shown.are_named and slug != pending.ANYWHERE else ()

    @property
    def _option(self) -> str:
        """Return the `--community` option of a command; empty if the ledger has one community."""
        return f" --community {self.community.slug}" if self.shown.are_named or self.shown.is_filtered else ""

    def _url(self, name: str, number: int | str) -> str:
        return self.shown.action_url(name, self.community, number)

    def _whose(self, group: HeldGroup) -> str:
        if group.cards > 1:
            return ngettext("%(cards)d card", "%(cards)d cards", group.cards) % {"cards": group.cards}
        household = group.newest.household
        return self._household(household) if household else gettext("card not registered")

    def _effect_of_giving(self, household: Household | None, points: str) -> str:
        if household is None:
            return gettext("Households get their points; those of unregistered cards wait for the card.")
        text = gettext("%(household)s gets %(points)s. You can take them back below.")
        return text % {"household": self._household(household), "points": points}

    def _household(self, household: Household) -> str:
        """Return its code, with its name for officers who may see names."""
        return named(household, with_name=self._may(Deed.SEE_HOUSEHOLDS))

    def _may(self, deed: Deed) -> bool:
        return self.shown.rights.may(deed, self.community.pk)

    def _allowed(self, actions: Sequence[Action]) -> tuple[Action, ...]:
        return self.shown.allowed(self.community, actions)
