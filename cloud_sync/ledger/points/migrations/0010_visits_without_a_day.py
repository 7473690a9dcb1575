"""Visits that only the ledger's clock could date wait until it is believed, and count to no day until then."""

from django.db import migrations, models
from django.db.models import Q

HELD_BY = ['unknown_card', 'cheating', 'mint_limit', 'cloned_journal', 'backdated', 'ledger_clock']


class Migration(migrations.Migration):

    dependencies = [
        ('points', '0009_sealed_dates'),
    ]

    operations = [
        migrations.AddField('chainhead', 'believed_at', models.DateTimeField(null=True)),
        migrations.AlterField('visitsettlement', 'timed', models.CharField(choices=[('stated', 'Stated'), ('mended', 'Mended'), ('bounded', 'Bounded'), ('doubted', 'Doubted')], default='stated', max_length=8)),
        migrations.AlterField('visitsettlement', 'held_by', models.CharField(blank=True, choices=[(reason, reason) for reason in HELD_BY], default='', max_length=16)),
        migrations.AddConstraint('visitsettlement', models.CheckConstraint(condition=~Q(timed='doubted') | Q(settled=0, counted=0), name='settlement_in_doubt_not_counted')),
        migrations.AddIndex('visitsettlement', models.Index(condition=Q(timed='doubted', withdrawn=0), fields=['community'], name='settlement_to_be_dated')),
    ]
