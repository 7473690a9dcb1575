"""When a station was admitted, what it had brought before each day, and when an epoch was written and by whom."""

from typing import Any

from django.db import migrations, models


def note_admissions(apps: Any, _editor: object) -> None:
    """A station of an older ledger was admitted when its first event came, at the latest."""
    for station in apps.get_model("stations", "Station").objects.all():
        first = station.events.order_by("pk").first()
        if first is not None:
            station.admitted_at = first.received_at
            station.save(update_fields=["admitted_at"])


def forget(_apps: object, _editor: object) -> None:
    """The columns go."""


class Migration(migrations.Migration):

    dependencies = [
        ('stations', '0002_alarms_and_limits'),
    ]

    operations = [
        migrations.AddField(
            model_name='epoch',
            name='boot',
            field=models.CharField(blank=True, default='', max_length=64),
        ),
        migrations.AddField(
            model_name='epoch',
            name='cloned',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='epoch',
            name='first_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='epoch',
            name='last_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='station',
            name='admitted_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='station',
            name='newest_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='station',
            name='newest_before_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='station',
            name='received_on',
            field=models.DateField(null=True),
        ),
        migrations.RunPython(note_admissions, forget),
        migrations.AddIndex(
            model_name='epoch',
            index=models.Index(fields=['epoch'], name='epoch_of_any_station'),
        ),
        migrations.AddIndex(
            model_name='epoch',
            index=models.Index(fields=['station', 'last_at'], name='epoch_by_its_time'),
        ),
    ]
