"""Accounts of officers; what each may do says `grants`.

Passwords are generated here and shown once, so that none is weak.
"""

from __future__ import annotations

import re
import secrets
from datetime import datetime

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import AnonymousUser, User
from django.db.models import QuerySet

from cloud_sync.ledger.audit.write import find_or_add, write
from cloud_sync.ledger.officers.grants import LIST, end_all_roles
from cloud_sync.ledger.officers.rights import Deed
from cloud_sync.ledger.points.posting import atomically
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


@atomically
def add_officer(name: str) -> str:
    """Add an officer without any role, or let a removed one in again; return the password.

    InputError for a name that cannot be used, and for an officer who is there already.
    """
    if not NAME.fullmatch(typed.slug(name)):
        raise InputError(
            f"{name!r} is not an officer's name", "use lower-case letters, digits, dots and hyphens"
        )
    user, is_new = find_or_add(User, Deed.NAME_OFFICERS, {}, username=username(name))
    if user.is_active and not is_new:
        raise InputError(
            f"officer {user.username} is here already",
            f"give a role: tongzhan ledger officer grant {user} --role ROLE --reason WHY --config F, "
            f"or a new password: tongzhan ledger officer password {user} --config F",
        )
    return _new_password(user)


@atomically
def renew_password(name: str) -> str:
    """Give an officer a new password, which ends their sessions; return it. InputError for an unknown one."""
    return _new_password(find_officer(name))


@atomically
def remove_officer(name: str, by: str, reason: str, now: datetime) -> None:
    """End all roles of an officer and deactivate them, which ends their sessions.

    InputError for an unknown one, and for the town's last admin.
    """
    user = find_officer(name)
    end_all_roles(user, by, reason, now)
    write(user, Deed.NAME_OFFICERS, by=by, reason=reason, now=now, is_active=False)


def find_officer(name: str) -> User:
    """Return the officer of that name; InputError for none, and for one who was removed."""
    found = officers().filter(username=username(name), is_active=True).first()
    if found is None:
        raise InputError(f"no officer {name}", LIST)
    return found


def _new_password(user: User) -> str:
    password = "-".join("".join(secrets.choice(ALPHABET) for _ in range(LETTERS)) for _ in range(GROUPS))
    write(user, Deed.NAME_OFFICERS, password=make_password(password), is_active=True)
    return password


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
        write(user, Deed.NAME_OFFICERS, username=name)
    return lines


def called(user: AbstractBaseUser | AnonymousUser) -> str:
    """Return an officer's name as decisions keep it."""
    return user.get_username()
