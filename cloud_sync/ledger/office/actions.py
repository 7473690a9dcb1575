"""The office's buttons: each form is carried out once and leads back to the page with a notice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import wraps

from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from cloud_sync.ledger.households.cards import Attribution
from cloud_sync.ledger.households.register import find_household
from cloud_sync.ledger.office import decisions, quarantine
from cloud_sync.ledger.office.pending import find_alarm
from cloud_sync.ledger.office.texts import counted
from cloud_sync.ledger.officers.grants import rights_of
from cloud_sync.ledger.officers.guard import permitted
from cloud_sync.ledger.officers.register import called
from cloud_sync.ledger.officers.rights import Deed, Rights
from cloud_sync.ledger.officers.sign_in import View
from cloud_sync.ledger.points.decisions import said
from cloud_sync.ledger.statement.links import end_links
from cloud_sync.ledger.stations.alarms import close_alarm
from cloud_sync.ledger.stations.models import Community
from config.errors import InputError

NOTICE = "office_notice"


@dataclass(frozen=True, slots=True)
class Notice:
    """The outcome of an action; shown once, on the next page."""

    text: str
    failed: bool = False
    undo_url: str = ""
    """Address that undoes a card's registration; empty if there is none to undo."""


@dataclass(frozen=True, slots=True)
class Form:
    """What an officer sent: who, what they may do, and what was typed."""

    by: str
    rights: Rights
    reason: str
    household: str

    @property
    def attribution(self) -> Attribution:
        """Return who and why, as cards keep it."""
        return Attribution(self.by, self.reason)


Act = Callable[[Community, Form, int | str], Notice]


def pop_notice(request: HttpRequest) -> Notice | None:
    """Return the notice of the last action, once."""
    kept = request.session.pop(NOTICE, None)
    return None if kept is None else Notice(**kept)


def back_to(request: HttpRequest) -> dict[str, str]:
    """Return the query of the page that a form was sent from, as far as it chose a community."""
    chosen = request.GET.get("community", "")
    return {"community": chosen} if chosen else {}


def action(deed: Deed, *, asks_reason: bool = True) -> Callable[[Act], View]:
    """Make a view of an action: POST only, for who may do it, with a reason where one is asked for."""

    def make(act: Act) -> View:
        @permitted(deed)
        @require_POST
        @wraps(act)
        def respond(request: HttpRequest, community: Community, number: int | str = 0) -> HttpResponseBase:
            sent = request.POST
            by, rights = called(request.user), rights_of(request.user)
            form = Form(by, rights, sent.get("reason", ""), sent.get("household", ""))
            notice = _checked(act, community, form, number) if asks_reason else act(community, form, number)
            request.session[NOTICE] = asdict(notice)
            query = back_to(request)
            return HttpResponseRedirect(reverse("office") + (f"?{urlencode(query)}" if query else ""))

        return respond

    return make


def _checked(act: Act, community: Community, form: Form, number: int | str) -> Notice:
    try:
        said(form.by, form.reason)
    except InputError:
        return _failed(gettext("Give a reason in one line, of 200 characters at most."))
    return act(community, form, number)


def _failed(text: str) -> Notice:
    return Notice(text, failed=True)


def _gone() -> Notice:
    return _failed(gettext("Nothing was changed: somebody else has dealt with it meanwhile."))


@action(Deed.DECIDE_HELD)
def give(community: Community, form: Form, number: int | str) -> Notice:
    """Give the points of a group of held visits."""
    try:
        points = decisions.give(community, int(number), form.by, form.reason, timezone.now())
    except InputError:
        return _gone()
    return Notice(gettext("Given: %(points)s.") % {"points": counted(points)})


@action(Deed.DECIDE_HELD)
def withhold(community: Community, form: Form, number: int | str) -> Notice:
    """Do not give the points of a group of held visits."""
    try:
        points = decisions.withhold(community, int(number), form.by, form.reason, timezone.now())
    except InputError:
        return _gone()
    return Notice(gettext("Not given: %(points)s.") % {"points": counted(points)})


@action(Deed.REGISTER_CARD)
def register(community: Community, form: Form, number: int | str) -> Notice:
    """Register a card to a household, which gets what was held for it."""
    try:
        household = find_household(community, form.household)
    except InputError:
        text = gettext("No household has the code %(code)s. The card stays unregistered.")
        return _failed(text % {"code": form.household.strip()[:32]})
    try:
        card, points = decisions.register_card(
            community, int(number), household.code, form.attribution, timezone.now()
        )
    except decisions.DecidedError:
        return _gone()
    except InputError:
        return _failed(gettext("This card cannot be registered: it is blocked, a staff card, or another's."))
    undo = reverse("office-unregister", args=[community.slug, card.pk])
    text = gettext("The card is registered to %(household)s. Given: %(points)s.")
    return Notice(text % {"household": household.code, "points": counted(points)}, undo_url=undo)


@action(Deed.REGISTER_CARD)
def unregister(community: Community, form: Form, number: int | str) -> Notice:
    """Undo a registration; the household keeps what it was given."""
    household = decisions.unregister_card(community, int(number), form.attribution, timezone.now())
    if household is None:
        return _gone()
    text = gettext(
        "The card belongs to %(household)s no longer. Points that were given stay; take them back below."
    )
    return Notice(text % {"household": household.code})


@action(Deed.TAKE_BACK)
def take_back(community: Community, form: Form, number: int | str) -> Notice:
    """Take back points that a person had given."""
    try:
        done = decisions.take_back(community, int(number), form.by, form.reason, timezone.now())
    except InputError:
        return _gone()
    text = gettext("Taken back: %(taken)s. To be deducted from later points: %(owed)s.")
    owed = done.debt.points if done.debt else 0
    return Notice(text % {"taken": counted(done.taken), "owed": counted(owed)})


@action(Deed.CLOSE_ALARM, asks_reason=False)
def close(community: Community, form: Form, number: int | str) -> Notice:
    """Close an alarm that was dealt with."""
    try:
        of_town = form.rights.may(Deed.CLOSE_ALARM, None)
        close_alarm(find_alarm(community, int(number), of_town=of_town), form.by, timezone.now())
    except InputError:
        return _gone()
    return Notice(gettext("The alarm is closed."))


@action(Deed.DECIDE_ASIDE, asks_reason=False)
def apply(community: Community, form: Form, number: int | str) -> Notice:
    """Apply a record that was set aside."""
    del form
    try:
        quarantine.apply_aside(community, str(number), timezone.now())
    except InputError:
        return _failed(gettext("It still cannot be applied, for the reason that its card names."))
    return Notice(gettext("The record is applied."))


@action(Deed.DECIDE_ASIDE)
def dismiss(community: Community, form: Form, number: int | str) -> Notice:
    """Take something off the list of what is set aside."""
    try:
        quarantine.dismiss(community, str(number), form.by, form.reason, timezone.now())
    except InputError:
        return _gone()
    return Notice(gettext("It is off the list."))


@action(Deed.DECIDE_ASIDE, asks_reason=False)
def show_again(community: Community, form: Form, number: int | str) -> Notice:
    """Put something back on the list of what is set aside."""
    try:
        quarantine.show_again(community, str(number), form.by, timezone.now())
    except InputError:
        return _gone()
    return Notice(gettext("It is on the list again."))


@action(Deed.END_LINKS)
def unlink(community: Community, form: Form, number: int | str) -> Notice:
    """Take back the links to a household's statement."""
    del number
    try:
        household = find_household(community, form.household)
        end_links(household, form.by, form.reason, timezone.now())
    except InputError:
        text = gettext("No household has the code %(code)s. No link was taken back.")
        return _failed(text % {"code": form.household.strip()[:32]})
    return Notice(gettext("No link of %(household)s works any more.") % {"household": household.code})
