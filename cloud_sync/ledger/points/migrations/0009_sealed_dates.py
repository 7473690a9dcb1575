"""When stations were admitted and accounts were opened, and since when what waits does, come under a seal."""

from typing import Any

from django.db import migrations

from cloud_sync.ledger.chain import records
from cloud_sync.ledger.chain import seals

# As they were in this version.
SEALED = {
    'stations_station': ('community_id', 'slug', 'active', 'daily_mint_limit', 'admitted_at'),
    'points_account': ('community_id', 'kind', 'household_id', 'opened_at'),
}
WAITS = ('pk', 'held', 'held_by', 'held_since', 'held_at_s', 'withdrawn', 'withdrawn_by')
ROWS = 500


def seal_again(apps: Any, _editor: object) -> None:
    for table, columns in SEALED.items():
        records.find_rows(apps, table, columns)
    for community in apps.get_model('stations', 'Community').objects.order_by('pk'):
        settled = apps.get_model('points', 'VisitSettlement').objects.filter(community=community)
        rows = settled.exclude(held=0, withdrawn=0).order_by('pk').values_list(*WAITS)
        tags = [
            [row[0], seals.waits_tag((*row[:3], records.moment_us(row[3]), *row[4:]))]
            for row in rows.iterator(chunk_size=ROWS)
        ]
        for start in range(0, len(tags), ROWS):
            records.note(community.pk, 'waits', {'waits': tags[start:start + ROWS]})


class Migration(migrations.Migration):

    dependencies = [
        ('points', '0008_counted_waits'),
        ('stations', '0003_when_epochs_were'),
    ]

    operations = [
        migrations.RunPython(seal_again, migrations.RunPython.noop),
    ]
