"""Who may use the office's pages: Django accounts, each of one community.

Passwords are generated here and shown once, so that none is weak.
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
"""Without characters that are confused when read from paper."""
GROUPS, LETTERS = 4, 5
"""99 bits."""


def username(community: Community, name: str) -> str:
    """Return an officer's user name in the database, which several communities may share."""
    return f"{community.slug}/{typed.slug(name)}"


def add_officer(community: Community, name: str) -> str:
    """Add an officer, or give one a new password, which ends their sessions; return the password."""
    if not NAME.fullmatch(typed.slug(name)):
        raise InputError(
            f"{name!r} is not an officer's name", "use lower-case letters, digits, dots and hyphens"
        )
    password = "-".join("".join(secrets.choice(ALPHABET) for _ in range(LETTERS)) for _ in range(GROUPS))
    user, _ = User.objects.get_or_create(username=username(community, name))
    user.set_password(password)
    user.is_active = True
    user.save()
    return password


def remove_officer(community: Community, name: str) -> None:
    """Deactivate an officer, which ends their sessions; InputError for an unknown one."""
    if (
        not officers(community)
        .filter(username=username(community, name), is_active=True)
        .update(is_active=False)
    ):
        raise InputError(f"no officer {name}", "see: tongzhan ledger officer list --config F")


def officers(community: Community) -> QuerySet[User]:
    """Return all accounts of a community."""
    return User.objects.filter(username__startswith=f"{community.slug}/").order_by("username")


def called(user: AbstractBaseUser | AnonymousUser) -> str:
    """Return an officer's name as decisions keep it."""
    return user.get_username().partition("/")[2]


def is_officer(user: AbstractBaseUser | AnonymousUser, community: Community) -> bool:
    """Say whether a user is signed in as an officer of this community."""
    return user.is_authenticated and user.get_username().startswith(f"{community.slug}/")
