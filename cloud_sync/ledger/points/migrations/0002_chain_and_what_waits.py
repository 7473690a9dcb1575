"""The chain over transfers, what waits and since when, decisions, debts. Existing transfers are chained.

In one transaction: interrupted, nothing has happened. The table of transfers is made anew, because its
key changes from a name of 64 letters to a number; rows are copied a few hundred at a time.
"""

import itertools
from typing import Any

import django.db.models.deletion
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.models import F, OuterRef, Q, Subquery

from cloud_sync.ledger.chain import chain

ROWS = 500


def date_what_waits(apps: Apps, _editor: object) -> None:
    """What is held has waited since its event came."""
    settlements = apps.get_model('points', 'VisitSettlement').objects
    events = apps.get_model('stations', 'Event').objects
    came = Subquery(events.filter(pk=OuterRef('event_id')).values('received_at'))
    settlements.filter(held__gt=0).update(held_since=came)


def chain_transfers(apps: Apps, _editor: object) -> None:
    """Copy every transfer in the order in which it was posted, and give each its position and link."""
    old, new, head = (apps.get_model('points', name) for name in ('OldTransfer', 'Transfer', 'ChainHead'))
    for community in apps.get_model('stations', 'Community').objects.order_by('pk'):
        rows = old.objects.filter(debit__community=community).select_related('event')
        rows = rows.order_by('created_at', 'event_id', 'purpose')
        position, previous = 0, chain.FIRST
        chunks = iter(rows.iterator(chunk_size=ROWS))
        while chunk := list(itertools.islice(chunks, ROWS)):
            linked = []
            for row in chunk:
                position += 1
                previous = chain.link(previous, _link(position, row))
                linked.append(_linked(new, community, position, previous, row))
            new.objects.bulk_create(linked)
        head.objects.create(community=community, position=position, chain=previous)


def _link(position: int, row: Any) -> chain.Link:
    return chain.Link(
        position, row.debit_id, row.credit_id, row.points, row.purpose, row.event.station_id,
        row.event.epoch, row.event.sequence, row.event.digest, chain.microseconds(row.created_at),
    )


def _linked(new: Any, community: Any, position: int, link: bytes, row: Any) -> Any:
    return new(
        community=community, position=position, chain=link, debit_id=row.debit_id, credit_id=row.credit_id,
        points=row.points, event_id=row.event_id, purpose=row.purpose, created_at=row.created_at,
    )


class Migration(migrations.Migration):

    dependencies = [
        ('points', '0001_initial'),
        ('stations', '0002_alarms_and_limits'),
    ]

    operations = [
        migrations.AddField('card', 'suspected_at', models.DateTimeField(null=True)),
        migrations.CreateModel(
            name='Decision',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('by', models.CharField(max_length=64)),
                ('reason', models.CharField(max_length=200)),
                ('decided_at', models.DateTimeField()),
                ('community', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='decisions', to='stations.community')),
            ],
            options={
                'constraints': [
                    models.CheckConstraint(condition=~Q(by='') & ~Q(reason=''), name='decision_by_someone_for_a_reason'),
                ],
            },
        ),
        migrations.CreateModel(
            name='Minted',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField()),
                ('points', models.BigIntegerField()),
                ('station', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='minted', to='stations.station')),
            ],
            options={
                'constraints': [
                    models.UniqueConstraint(fields=['station', 'day'], name='minted_of_station_and_day'),
                    models.CheckConstraint(condition=Q(points__gte=0), name='minted_not_negative'),
                ],
            },
        ),
        migrations.CreateModel(
            name='ChainHead',
            fields=[
                ('community', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='chain_head', serialize=False, to='stations.community')),
                ('position', models.BigIntegerField(default=0)),
                ('chain', models.BinaryField(default=b'')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=Q(position__gte=0), name='chain_position_not_negative')],
            },
        ),
        migrations.RemoveConstraint('visitsettlement', 'settlement_lowered_for_a_reason'),
        migrations.RemoveConstraint('visitsettlement', 'settlement_held_for_a_reason'),
        migrations.RemoveIndex('visitsettlement', 'settlement_of_card'),
        migrations.AddField('visitsettlement', 'held_since', models.DateTimeField(null=True)),
        migrations.AddField('visitsettlement', 'timed', models.CharField(choices=[('stated', 'Stated'), ('mended', 'Mended'), ('bounded', 'Bounded')], default='stated', max_length=8)),
        migrations.AddField('visitsettlement', 'withdrawn', models.BigIntegerField(default=0)),
        migrations.AddField('visitsettlement', 'withdrawn_by', models.CharField(blank=True, choices=[('expired', 'Expired'), ('refused', 'Refused')], default='', max_length=16)),
        migrations.AlterField('visitsettlement', 'held_by', models.CharField(blank=True, choices=[('unknown_card', 'unknown_card'), ('cheating', 'cheating'), ('mint_limit', 'mint_limit')], default='', max_length=16)),
        migrations.RunPython(date_what_waits, migrations.RunPython.noop),
        migrations.AddIndex('visitsettlement', models.Index(condition=Q(household__isnull=True), fields=['community', 'card_hash', 'local_day'], name='settlement_of_unbound_card')),
        migrations.AddIndex('visitsettlement', models.Index(condition=Q(held_since__isnull=False), fields=['community', 'held_since'], name='settlement_that_waits')),
        migrations.AddConstraint('visitsettlement', models.CheckConstraint(condition=Q(lowered=F('withdrawn'), lowered_by='') | Q(lowered__gt=F('withdrawn')) & ~Q(lowered_by=''), name='settlement_lowered_for_a_reason')),
        migrations.AddConstraint('visitsettlement', models.CheckConstraint(condition=Q(withdrawn=0, withdrawn_by='') | Q(withdrawn__gt=0) & ~Q(withdrawn_by=''), name='settlement_withdrawn_for_a_reason')),
        migrations.AddConstraint('visitsettlement', models.CheckConstraint(condition=Q(held=0, held_by='', held_since__isnull=True) | Q(held__gt=0, held_since__isnull=False) & ~Q(held_by=''), name='settlement_held_for_a_reason')),
        migrations.RemoveConstraint('transfer', 'transfer_once_for_a_purpose'),
        migrations.RemoveConstraint('transfer', 'transfer_of_something'),
        migrations.RemoveConstraint('transfer', 'transfer_between_two'),
        migrations.RenameModel('Transfer', 'OldTransfer'),
        migrations.CreateModel(
            name='Transfer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('position', models.BigIntegerField()),
                ('points', models.BigIntegerField()),
                ('purpose', models.CharField(max_length=16)),
                ('created_at', models.DateTimeField()),
                ('chain', models.BinaryField()),
                ('community', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='transfers', to='stations.community')),
                ('debit', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='debits', to='points.account')),
                ('credit', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='credits', to='points.account')),
                ('event', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='transfers', to='stations.event')),
                ('household', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='movements', to='points.household')),
                ('reverses', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='reversed_by', to='points.transfer')),
                ('decision', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='transfers', to='points.decision')),
            ],
            options={
                'constraints': [
                    models.UniqueConstraint(fields=['event', 'purpose'], name='transfer_once_for_a_purpose'),
                    models.UniqueConstraint(fields=['community', 'position'], name='transfer_one_at_a_position'),
                    models.UniqueConstraint(condition=Q(reverses__isnull=False), fields=['reverses'], name='transfer_reversed_once'),
                    models.CheckConstraint(condition=Q(points__gt=0), name='transfer_of_something'),
                    models.CheckConstraint(condition=~Q(debit=F('credit')), name='transfer_between_two'),
                    models.CheckConstraint(condition=Q(position__gte=1), name='transfer_position_from_one'),
                ],
                'indexes': [models.Index(condition=Q(household__isnull=False), fields=['household'], name='transfer_of_household')],
            },
        ),
        migrations.RunPython(chain_transfers, migrations.RunPython.noop),
        migrations.DeleteModel('OldTransfer'),
        migrations.CreateModel(
            name='Debt',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('points', models.BigIntegerField()),
                ('left', models.BigIntegerField()),
                ('forgiven', models.BigIntegerField(default=0)),
                ('created_at', models.DateTimeField()),
                ('household', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='debts', to='points.household')),
                ('reverses', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='debt', to='points.transfer')),
                ('decision', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='debts', to='points.decision')),
                ('forgiveness', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='forgiven_debt', to='points.decision')),
            ],
            options={
                'constraints': [
                    models.CheckConstraint(condition=Q(points__gt=0, left__gte=0, forgiven__gte=0), name='debt_not_negative'),
                    models.CheckConstraint(condition=Q(left__lte=F('points') - F('forgiven')), name='debt_within_its_points'),
                    models.CheckConstraint(condition=Q(forgiven=0, forgiveness__isnull=True) | Q(forgiven__gt=0, left=0, forgiveness__isnull=False), name='debt_forgiven_by_someone'),
                ],
                'indexes': [
                    models.Index(fields=['household', 'id'], name='debt_of_household'),
                    models.Index(condition=Q(left__gt=0), fields=['left'], name='debt_still_open'),
                ],
            },
        ),
        migrations.CreateModel(
            name='DebtPart',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('points', models.BigIntegerField()),
                ('debt', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='parts', to='points.debt')),
                ('transfer', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='parts', to='points.transfer')),
            ],
            options={
                'constraints': [
                    models.UniqueConstraint(fields=['debt', 'transfer'], name='debt_part_once'),
                    models.CheckConstraint(condition=Q(points__gt=0), name='debt_part_of_something'),
                ],
            },
        ),
    ]
