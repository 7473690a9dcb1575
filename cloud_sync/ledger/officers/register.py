"""Accounts that may use the office's pages; each sees all communities of the town.

Passwords are generated here and shown once, so that none is weak.
"""

from __future__ import annotations

import re
import secrets

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, User
from django.db.models import QuerySet

from cloud_sync.ledger.communities.register import all_communities
from cloud_sync.ledger.stations.models import Community
from config.errors import InputError
from config.reading import typed

NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,31}")
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without characters that are confused when read from paper."""
GROUPS, LETTERS = 4, 5
"""99 bits."""


OLD_MARK = "/"
"""Between community and name in the user name of an officer whom an older version let in."""


def username(name: str) -> str:
    """Return an officer's user name in the database."""
    return typed.slug(name)


def add_officer(name: str) -> str:
    """Add an officer, or give one a new password, which ends their sessions; return the password."""
    if not NAME.fullmatch(typed.slug(name)):
        raise InputError(
            f"{name!r} is not an officer's name", "use lower-case letters, digits, dots and hyphens"
        )
    password = "-".join("".join(secrets.choice(ALPHABET) for _ in range(LETTERS)) for _ in range(GROUPS))
    user, _ = User.objects.get_or_create(username=username(name))
    user.set_password(password)
    user.is_active = True
    user.save()
    return password


def remove_officer(name: str) -> None:
    """Deactivate an officer, which ends their sessions; InputError for an unknown one."""
    if not officers().filter(username=username(name), is_active=True).update(is_active=False):
        raise InputError(f"no officer {name}", "see: tongzhan ledger officer list --config F")


def officers() -> QuerySet[User]:
    """Return all accounts, removed ones included."""
    return User.objects.order_by("username")


def rename_old_officers() -> list[str]:
    """Rename officers of an older version from `community/name` to `name`; return lines about exceptions.

    An officer keeps the old user name if another one has the new name already.
    """
    lines = []
    for user in User.objects.filter(username__contains=OLD_MARK, is_active=True).order_by("pk"):
        name = user.username.partition(OLD_MARK)[2]
        if User.objects.filter(username=name).exists():
            lines.append(f"officer {user.username}: another is called {name}; add them under another name")
            continue
        user.username = name
        user.save(update_fields=["username"])
    return lines


def called(user: AbstractBaseUser | AnonymousUser) -> str:
    """Return an officer's name as decisions keep it."""
    return user.get_username()


def seen_by(user: AbstractBaseUser | AnonymousUser) -> list[Community]:
    """Return the communities that an officer sees and decides on: all of them; none unless signed in."""
    return all_communities() if user.is_authenticated else []
