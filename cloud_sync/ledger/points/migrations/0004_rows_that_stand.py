"""Triggers that refuse to change or remove transfers, decisions, rules, and events but for what became of them."""

from django.db import migrations

from cloud_sync.ledger.db import triggers


def guard(_apps: object, _editor: object) -> None:
    triggers.guard()


def release(_apps: object, _editor: object) -> None:
    triggers.release()


class Migration(migrations.Migration):

    dependencies = [
        ('points', '0003_references_at_once'),
        ('stations', '0002_alarms_and_limits'),
    ]

    operations = [
        migrations.RunPython(guard, release),
    ]
