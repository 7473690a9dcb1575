"""The demo's first three visits, the same in every run: right, wrong, unsure; then the crowd comes.

What falls in is chosen, what the model says of it is not. With photos of one's own only the categories and
the bins are as planned.
"""

from __future__ import annotations

from config.sorting import Category
from config.station import StationSettings
from edge.sim.people.plans import Errand, Meeting, VisitPlan
from edge.sim.people.town import Neighbourhood
from edge.sim.photos.thrown import Particular, Things

RIGHT = Particular(Category.KITCHEN, "orange", 1)
WRONG = Particular(Category.HAZARDOUS, "dry-cell", 1)
"""A battery in the kitchen bin."""
UNSURE = Particular(Category.HAZARDOUS, "medicine", 1)


def opening(settings: StationSettings, people: Neighbourhood, things: Things) -> tuple[Meeting, ...]:
    """Return three meetings, of one resident each from three households."""
    bins = {section.category: section.id for section in settings.bin}
    right, wrong, unsure = (_had(wanted, things) for wanted in (RIGHT, WRONG, UNSURE))
    elsewhere = Category.KITCHEN if wrong.category is not Category.KITCHEN else Category.RECYCLABLE
    errands = (
        Errand(bins[right.category], (right,)),
        Errand(bins[elsewhere], (wrong,)),
        Errand(bins[unsure.category], (unsure,)),
    )
    residents = people.residents[::2]  # two of them share a household
    return tuple(
        Meeting(VisitPlan(person, (errand,))) for person, errand in zip(residents, errands, strict=False)
    )


def _had(wanted: Particular, things: Things) -> Particular:
    """Return a thing of another category if the source has none of this one."""
    if wanted.category in things.categories:
        return wanted
    return Particular(things.categories[0], wanted.name, wanted.seed)
