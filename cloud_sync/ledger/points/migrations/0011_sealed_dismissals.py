"""What officers dismissed comes under a seal: receipts leave it out, and so a station's fault ends."""

from typing import Any

from django.db import migrations

from cloud_sync.ledger.chain import records

# As they were in this version.
DISMISSAL = ('community_id', 'kind', 'row', 'by', 'reason', 'dismissed_at', 'ended_at', 'ended_by')


def seal_dismissals(apps: Any, _editor: object) -> None:
    records.find_rows(apps, 'stations_dismissal', DISMISSAL)


class Migration(migrations.Migration):

    dependencies = [
        ('points', '0010_visits_without_a_day'),
        ('stations', '0005_dismissals_that_end'),
    ]

    operations = [
        migrations.RunPython(seal_dismissals, migrations.RunPython.noop),
    ]
