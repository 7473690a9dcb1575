"""Signed batches, the register of what transfers depend on, and salts; what is here already is noted as found.

Batches that came before were not kept: their events are noted by one sum, and count as unsigned.
"""

import hashlib
from typing import Any

import django.db.models.deletion
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.models import Q
from django.db.models.functions import Length, Substr
from django.db.models.lookups import LessThanOrEqual

from cloud_sync.ledger.chain import records
from cloud_sync.ledger.db import triggers

MAX_NAME = 64
ROWS = 500
# As they were in this version.
SEALED = {
    'stations_community': ('slug', 'name_zh', 'name_en', 'timezone', 'daily_mint_limit'),
    'stations_station': ('community_id', 'slug', 'active', 'daily_mint_limit'),
    'stations_stationkey': ('station_id', 'key_id', 'public', 'retired_at'),
    'points_rules': ('community_id', 'version', 'body'),
    'points_household': ('community_id', 'code', 'name', 'salt'),
    'points_card': ('community_id', 'hash', 'household_id', 'status', 'role', 'suspected_at', 'salt'),
    'points_account': ('community_id', 'kind', 'household_id'),
    'points_decision': ('community_id', 'by', 'reason', 'decided_at'),
    'points_debt': ('household_id', 'reverses_id', 'points', 'forgiven', 'created_at', 'decision_id', 'forgiveness_id'),
}
SETTLEMENT = (
    'event_id', 'household_id', 'happened_at', 'timed', 'provisional', 'settled', 'held', 'lowered', 'lowered_by',
    'held_by', 'counted', 'held_since', 'withdrawn', 'withdrawn_by',
)


def shorten(apps: Apps, _editor: object) -> None:
    """SQLite let names be longer than they may be."""
    apps.get_model('points', 'Household').objects.update(name=Substr('name', 1, MAX_NAME))


def note_what_is_here(apps: Apps, _editor: object) -> None:
    for community in apps.get_model('stations', 'Community').objects.order_by('pk'):
        apps.get_model('points', 'ChainHead').objects.get_or_create(community=community)
    for table, columns in SEALED.items():
        records.find_rows(apps, table, columns)
    for community in apps.get_model('stations', 'Community').objects.order_by('pk'):
        _note_visits(apps, community)
        _note_events(apps, community)


def _note_visits(apps: Apps, community: Any) -> None:
    """The visits that were settled, as they stand, and what stations brought."""
    settlements = apps.get_model('points', 'VisitSettlement').objects.filter(community=community)
    minted = apps.get_model('points', 'Minted').objects.filter(station__community=community)
    brought = [(row.station_id, row.day.isoformat(), row.points) for row in minted.order_by('pk')]
    last = 0
    while True:
        some = list(settlements.filter(pk__gt=last).order_by('pk')[:ROWS])
        if some or brought:
            rows = [_settlement(row) for row in some]
            records.note_found(community.pk, rows, brought)
            brought = []
        if not some:
            return
        last = some[-1].pk


def _settlement(row: Any) -> dict[str, Any]:
    values = {column: getattr(row, column) for column in SETTLEMENT}
    return values | {'local_day': row.local_day.isoformat(), 'held_at_s': 0}  # which this version had not yet


def _note_events(apps: Apps, community: Any) -> None:
    """How many events came unsigned, a sum over them, and what epochs had passed over."""
    events = apps.get_model('stations', 'Event').objects.filter(station__community=community)
    count, last, digest = 0, 0, hashlib.sha256()
    order = events.order_by('station_id', 'epoch', 'sequence')
    rows: Any = order.values_list('pk', 'station_id', 'epoch', 'sequence', 'digest').iterator(chunk_size=ROWS)
    for key, *name in rows:
        count, last = count + 1, max(last, key)
        digest.update(records.unsigned_line(*name))
    passed = []
    for epoch in apps.get_model('stations', 'Epoch').objects.filter(station__community=community, through__gt=0):
        here = events.filter(station=epoch.station_id, epoch=epoch.epoch, sequence__lte=epoch.through).count()
        if here != epoch.through:
            passed.append((epoch.station_id, epoch.epoch, epoch.through))
    body = {'events': count, 'last': last, 'sum': digest.hexdigest(), 'passed': passed}
    records.note(community.pk, 'unsigned', body)


def guard(_apps: object, _editor: object) -> None:
    triggers.guard()


class Migration(migrations.Migration):

    dependencies = [
        ('points', '0006_links_taken_back'),
        ('stations', '0002_alarms_and_limits'),
    ]

    operations = [
        migrations.AddField('chainhead', 'records', models.BigIntegerField(default=0)),
        migrations.AddField('chainhead', 'records_chain', models.BinaryField(default=b'')),
        migrations.RemoveConstraint('chainhead', 'chain_position_not_negative'),
        migrations.AddConstraint('chainhead', models.CheckConstraint(condition=Q(position__gte=0, records__gte=0), name='chain_position_not_negative')),
        migrations.AddField('household', 'salt', models.BinaryField(default=b'')),
        migrations.AddField('card', 'salt', models.BinaryField(default=b'')),
        migrations.RunPython(shorten, migrations.RunPython.noop),
        migrations.AddConstraint('household', models.CheckConstraint(condition=LessThanOrEqual(Length('code'), 32) & LessThanOrEqual(Length('name'), 64), name='household_texts_fit')),
        migrations.CreateModel(
            name='SignedBatch',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key_id', models.CharField(max_length=16)),
                ('signature', models.BinaryField()),
                ('holds', models.BinaryField()),
                ('lost', models.BinaryField(default=b'')),
                ('body', models.BinaryField(default=b'')),
                ('received_at', models.DateTimeField()),
                ('station', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='batches', to='stations.station')),
            ],
            options={'verbose_name_plural': 'signed batches'},
        ),
        migrations.CreateModel(
            name='Record',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('position', models.BigIntegerField()),
                ('kind', models.CharField(max_length=16)),
                ('body', models.BinaryField()),
                ('at', models.DateTimeField()),
                ('chain', models.BinaryField()),
                ('community', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='records', to='stations.community')),
            ],
            options={
                'constraints': [
                    models.UniqueConstraint(fields=['community', 'position'], name='record_one_at_a_position'),
                    models.CheckConstraint(condition=Q(position__gte=1), name='record_position_from_one'),
                ],
            },
        ),
        migrations.RunPython(note_what_is_here, migrations.RunPython.noop),
        migrations.RunPython(guard, migrations.RunPython.noop),
    ]
