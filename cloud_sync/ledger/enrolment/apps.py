"""Django's registration of this app."""

from __future__ import annotations

from django.apps import AppConfig


class EnrolmentConfig(AppConfig):
    """The app, under the label `enrolment`."""

    name = "cloud_sync.ledger.enrolment"
    label = "enrolment"
