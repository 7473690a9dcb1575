"""The office's page, in the language that is activated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.urls import reverse
from django.utils.translation import gettext, ngettext

from cloud_sync.ledger.intake.parse import Reason
from cloud_sync.ledger.office import pending
from cloud_sync.ledger.office.groups import HeldGroup, held_groups
from cloud_sync.ledger.office.items import Action, Field, Item, Page, Section, Technical, action_url
from cloud_sync.ledger.office.recent import recent
from cloud_sync.ledger.office.texts import ALARMS, ASIDE, HELD, counted, explained
from cloud_sync.ledger.points.models import Household
from cloud_sync.ledger.statement.links import ended_links
from cloud_sync.ledger.statement.texts import moment, within
from cloud_sync.ledger.stations.models import Alarm, Community
from cloud_sync.ledger.stations.names import community_name, station_name, station_names
from cloud_sync.rules.award_rules import HeldBy

SHOWN = 50
"""Items of one kind; a command lists more."""
APPLICABLE = {Reason.UNKNOWN_RULES, Reason.MALFORMED}
"""Reasons for which something set aside may be applied later."""
CARD_DIGITS, GROUP = 12, 4


def make_page(community: Community, now: datetime) -> Page:
    """Build the page as things stand at `now`."""
    zone = ZoneInfo(community.timezone)
    writer = _ItemWriter(zone, now, station_names(community))
    alarms = [writer.alarm(row) for row in pending.open_alarms(community, SHOWN + 1)]
    held = [writer.held(group) for group in held_groups(community, SHOWN + 1)]
    aside = [writer.aside(row) for row in pending.set_aside(community, SHOWN + 1)]
    sections = (
        _section("alarms", gettext("Alarms"), gettext("No alarm is open."), alarms),
        _section("held", gettext("Points on hold"), gettext("No points are on hold."), held),
        _section("aside", gettext("Set aside"), gettext("Nothing is set aside."), aside),
    )
    owed = len(pending.open_debts(community, SHOWN + 1))
    return Page(
        place=community_name(community),
        sections=sections,
        debts=f"{SHOWN}+" if owed > SHOWN else str(owed),
        done=recent(community, now, zone),
        links=tuple(writer.ended_link(row) for row in ended_links(community, SHOWN)),
        unlink=_unlink(),
    )


def _section(anchor: str, title: str, empty: str, items: Sequence[Item]) -> Section:
    return Section(anchor, title, empty, tuple(items[:SHOWN]), more=len(items) > SHOWN)


def _unlink() -> Action:
    return Action(
        url=reverse("office-unlink"),
        label=gettext("Take back a household's links"),
        effect=gettext("Links that were given out stop working at once; ask for a new one afterwards."),
        submit=gettext("Take back the links"),
        fields=(Field.HOUSEHOLD, Field.REASON),
    )


def card_code(card: str) -> str:
    """Return the first digits of a card's hash in groups, as people compare them."""
    digits = card[:CARD_DIGITS].upper()
    return " ".join(digits[start : start + GROUP] for start in range(0, len(digits), GROUP))


@dataclass(frozen=True, slots=True)
class _ItemWriter:
    """Puts rows into words, with times and names as the community has them."""

    zone: ZoneInfo
    now: datetime
    stations: dict[str, str]

    def alarm(self, row: Alarm) -> Item:
        times = ngettext("%(times)d time", "%(times)d times", row.times) % {"times": row.times}
        close = Action(
            url=action_url("office-close-alarm", row.pk),
            label=gettext("Seen to"),
            effect=gettext("It goes from this list, and opens again if it happens again."),
            submit=gettext("Close this alarm"),
            fields=(),
        )
        return Item(
            said=explained(row.reason, ALARMS),
            facts=(self._station(row.station), self._when(row.last_at), times),
            actions=(close,),
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
            facts=(counted(group.points), visits, _whose(group), station, since),
            actions=tuple(_held_actions(group)),
            hint=self._last_tap(group),
            technical=(
                Technical(gettext("Number"), str(visit.pk)),
                Technical(gettext("Card code"), card_code(visit.card_hash)),
                Technical(gettext("Station"), visit.event.station.slug),
                Technical(gettext("Command"), "tongzhan ledger held list --config F"),
            ),
        )

    def aside(self, row: pending.Quarantined) -> Item:
        return Item(
            said=explained(row.reason, ASIDE),
            facts=(self._station(row.station), self._when(row.came)),
            actions=tuple(_aside_actions(row)),
            technical=(
                Technical(gettext("Number"), row.number),
                Technical(gettext("Kind"), row.reason),
                Technical(gettext("Record"), row.name or "-"),
                Technical(gettext("Command"), f"tongzhan ledger aside show {row.number} --config F"),
            ),
        )

    def ended_link(self, row: Household) -> str:
        """Say when, by whom and why a household's links were taken back last."""
        decision = row.links_ended_by
        if decision is None:
            return row.code
        when = within(self._when(decision.decided_at))
        said = {"household": row.code, "when": when, "by": decision.by}
        return gettext("%(household)s: %(when)s, by %(by)s. %(reason)s") % {**said, "reason": decision.reason}

    def _last_tap(self, group: HeldGroup) -> str:
        """Say where and when an unregistered card was used last, by which a person can recognise it."""
        tap = group.last_tap
        if tap is None or group.newest.household is not None:
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
        return moment(at, self.now, self.zone)


def _whose(group: HeldGroup) -> str:
    if group.cards > 1:
        return ngettext("%(cards)d card", "%(cards)d cards", group.cards) % {"cards": group.cards}
    household = group.newest.household
    return _household(household) if household else gettext("card not registered")


def _held_actions(group: HeldGroup) -> Sequence[Action]:
    visit, points = group.newest, counted(group.points)
    withhold = Action(
        url=action_url("office-withhold", visit.pk),
        label=gettext("Do not give"),
        effect=gettext("The resident does not get these %(points)s. This cannot be undone.")
        % {"points": points},
        submit=gettext("Do not give %(points)s") % {"points": points},
    )
    if group.reason is HeldBy.UNKNOWN_CARD:
        register = Action(
            url=action_url("office-register", visit.pk),
            label=gettext("Register this card"),
            effect=gettext("The card becomes this household's, which gets %(points)s.") % {"points": points},
            submit=gettext("Register and give %(points)s") % {"points": points},
            fields=(Field.HOUSEHOLD, Field.REASON),
        )
        return (register, withhold)
    give = Action(
        url=action_url("office-give", visit.pk),
        label=gettext("Give"),
        effect=_effect_of_giving(visit.household if group.cards == 1 else None, points),
        submit=gettext("Give %(points)s") % {"points": points},
    )
    return (give, withhold)


def _effect_of_giving(household: Household | None, points: str) -> str:
    if household is None:
        return gettext("Households get their points; those of unregistered cards wait for the card.")
    text = gettext("%(household)s gets %(points)s. You can take them back below.")
    return text % {"household": _household(household), "points": points}


def _aside_actions(row: pending.Quarantined) -> Sequence[Action]:
    dismiss = Action(
        url=action_url("office-dismiss", row.number),
        label=gettext("The first stays") if row.reason == Reason.CONFLICT else gettext("Nothing to do"),
        effect=gettext(
            "It goes from this list and stays stored as evidence. The station no longer shows it as a fault. "
            "You can show it again below."
        ),
        submit=gettext("Take it off the list"),
    )
    if row.reason not in APPLICABLE:
        return (dismiss,)
    apply = Action(
        url=action_url("office-apply", row.number),
        label=gettext("Apply it now"),
        effect=gettext("It counts as if it had just come, once. If it still cannot, nothing changes."),
        submit=gettext("Apply it"),
        fields=(),
    )
    return (apply, dismiss)


def _household(household: Household) -> str:
    return " · ".join(filter(None, (household.code, household.name)))
