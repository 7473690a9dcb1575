"""Officers of an older version saw and decided everything: each becomes an admin of the town."""

from typing import Any

from django.db import migrations
from django.utils import timezone


def give(apps: Any, _editor: object) -> None:
    grants, now = apps.get_model('officers', 'Grant'), timezone.now()
    for user in apps.get_model('auth', 'User').objects.filter(is_active=True).order_by('pk'):
        grants.objects.create(
            officer=user, role='admin', community=None, since=now,
            by='upgrade', reason='an officer since before there were roles',
        )


class Migration(migrations.Migration):

    dependencies = [
        ('officers', '0001_initial'),
        ('auth', '0012_alter_user_first_name_max_length'),
    ]

    operations = [
        migrations.RunPython(give, migrations.RunPython.noop),
    ]
