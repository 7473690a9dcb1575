"""Who may use the office's pages: accounts of Django's own, each of one community.

Passwords are drawn here and shown once. Nobody chooses a weak one, and so nobody guesses one.
"""

from __future__ import annotations

import re
import secrets

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, User
from django.db.models import QuerySet

from cloud_sync.ledger.stations.models import Community
from config.errors import InputError
from config.reading import typed

NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,31}")
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without what is mistaken for something else when it is read from paper."""
GROUPS, LETTERS = 4, 5
"""99 bits."""


def username(community: Community, name: str) -> str:
    """What an officer is called in the database, which several communities may share."""
    return f"{community.slug}/{typed.slug(name)}"


def add_officer(community: Community, name: str) -> str:
    """Let a person in, or give one a new password, which ends their sessions; the password."""
    if not NAME.fullmatch(typed.slug(name)):
        raise InputError(f"{name!r} is no officer's name", "use lower-case letters, digits, dots and hyphens")
    password = "-".join("".join(secrets.choice(ALPHABET) for _ in range(LETTERS)) for _ in range(GROUPS))
    user, _ = User.objects.get_or_create(username=username(community, name))
    user.set_password(password)
    user.is_active = True
    user.save()
    return password


def remove_officer(community: Community, name: str) -> None:
    """Let a person in no longer, from this moment; InputError if there is no such officer."""
    if (
        not officers(community)
        .filter(username=username(community, name), is_active=True)
        .update(is_active=False)
    ):
        raise InputError(f"no officer {name}", "see: tongzhan ledger officer list --config F")


def officers(community: Community) -> QuerySet[User]:
    """All accounts of a community."""
    return User.objects.filter(username__startswith=f"{community.slug}/").order_by("username")


def called(user: AbstractBaseUser | AnonymousUser) -> str:
    """An officer's name, as decisions keep it."""
    return user.get_username().partition("/")[2]


def is_officer(user: AbstractBaseUser | AnonymousUser, community: Community) -> bool:
    """Whether somebody who signed in is an officer of this community."""
    return user.is_authenticated and user.get_username().startswith(f"{community.slug}/")
