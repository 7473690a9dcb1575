"""Django's settings, read from the ledger.toml that TONGZHAN_LEDGER_CONFIG names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cloud_sync.ledger import CONFIG_VARIABLE
from cloud_sync.ledger.keys import read_secret_key
from cloud_sync.wire.api import MAX_BODY_BYTES
from config.errors import InputError
from config.ledger import is_postgres, load_ledger
from models.bundle import load_labels

HERE = Path(__file__).parents[1]
BUSY_S = 20
"""How long a writer waits for another one before it reports a busy database."""


def _database(name: str) -> dict[str, Any]:
    """Return Django's form of a `database` value."""
    if not is_postgres(name):
        return {
            "ENGINE": "cloud_sync.ledger.db.engines.sqlite3",
            "NAME": name,
            "OPTIONS": {
                "timeout": BUSY_S,
                # Otherwise a transaction that reads first and then writes fails at once instead of waiting.
                "transaction_mode": "IMMEDIATE",
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; "
                # With SQLite's default of 2 MiB a large ledger's indexes are read from the file repeatedly.
                "PRAGMA cache_size=-65536; PRAGMA wal_autocheckpoint=4000",
            },
        }
    from cloud_sync.ledger.db.address import for_django  # noqa: PLC0415 (a ledger on SQLite needs no libpq)

    return for_django(name) | {
        "ENGINE": "cloud_sync.ledger.db.engines.postgresql",
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
    }


if CONFIG_VARIABLE not in os.environ:
    raise InputError(f"{CONFIG_VARIABLE} is not set", "set it to the path of the ledger.toml")
LEDGER = load_ledger(Path(os.environ[CONFIG_VARIABLE]))
LABELS = load_labels()
"""Names of the shipped model's labels; statements do not name another model's labels."""

DEBUG = False
SECRET_KEY = read_secret_key(LEDGER.state_dir)
ALLOWED_HOSTS = list(LEDGER.pages.allowed_hosts)
ROOT_URLCONF = "cloud_sync.ledger.site.urls"
ASGI_APPLICATION = "cloud_sync.ledger.site.asgi.application"
DATABASES = {"default": _database(LEDGER.ledger.database)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "cloud_sync.ledger.stations",
    "cloud_sync.ledger.points",
    "cloud_sync.ledger.moving",
    "cloud_sync.ledger.officers",
    "cloud_sync.ledger.api",
    "cloud_sync.ledger.fleet",
    "cloud_sync.ledger.enrolment",
    "cloud_sync.ledger.downlink",
    "cloud_sync.ledger.audit",
    "cloud_sync.ledger.tokens",
    "cloud_sync.ledger.commanding",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "cloud_sync.ledger.site.middleware.guard",
    "cloud_sync.ledger.site.middleware.speak",
    "cloud_sync.ledger.site.middleware.hand_on",
    "cloud_sync.ledger.site.standby.StandBy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [HERE / "templates"],
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    }
]

STATIC_URL = "static/"
STATICFILES_DIRS = [HERE / "static"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False

USE_I18N = True
USE_TZ = True
TIME_ZONE = LEDGER.ledger.timezone
LANGUAGE_CODE = "zh-hans"
LANGUAGE_COOKIE_NAME = "language"
LANGUAGES = [("zh-hans", "中文"), ("en", "English")]
LOCALE_PATHS = [HERE / "locale"]

# Only officers sign in.
LOGIN_URL = "office-login"
LOGIN_REDIRECT_URL = "office"
LOGOUT_REDIRECT_URL = "office-login"
OTP_TOTP_ISSUER = "Tongzhan"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LEDGER.is_tls
# Sent only over TLS; the proxy says so, and uvicorn believes only the proxies' addresses.
SECURE_HSTS_SECONDS = LEDGER.pages.hsts_days * 24 * 3600 if LEDGER.is_tls else 0
# Behind a TLS proxy the pages are requested by http, but a form's origin is https.
CSRF_TRUSTED_ORIGINS = ["://".join(urlsplit(LEDGER.url)[:2])]

# A statement's URL is its key, so no Referer header may carry it.
SECURE_REFERRER_POLICY = "no-referrer"
X_FRAME_OPTIONS = "DENY"

# The office's forms are a few hundred bytes, and so are the requests of stations.
DATA_UPLOAD_MAX_MEMORY_SIZE = FILE_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES

# Only the rates of the API's callers are in it, each process's own.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "OPTIONS": {"MAX_ENTRIES": 20_000},
    }
}

# Commands set up logging themselves; with Django's, each line would appear twice.
LOGGING_CONFIG = None
