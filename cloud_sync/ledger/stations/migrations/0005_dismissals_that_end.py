"""Dismissals are ended instead of removed, receipts name what was decided, and begun epochs are counted."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):

    dependencies = [
        ('stations', '0004_names_and_dismissals'),
    ]

    operations = [
        migrations.AddField('epoch', 'decided_at', models.DateTimeField(null=True)),
        migrations.AddIndex('epoch', models.Index(condition=Q(decided_at__isnull=False), fields=['station', '-decided_at'], name='epoch_decided_about')),
        migrations.AddField('dismissal', 'ended_at', models.DateTimeField(null=True)),
        migrations.AddField('dismissal', 'ended_by', models.CharField(blank=True, default='', max_length=64)),
        migrations.RemoveConstraint('dismissal', 'dismissal_once'),
        migrations.AddConstraint('dismissal', models.UniqueConstraint(condition=Q(ended_at__isnull=True), fields=('kind', 'row'), name='dismissal_once')),
        migrations.AddConstraint('dismissal', models.CheckConstraint(condition=Q(ended_at__isnull=True, ended_by='') | (Q(ended_at__isnull=False) & ~Q(ended_by='')), name='dismissal_ended_by_someone')),
        migrations.AddField('station', 'begun_on', models.DateField(null=True)),
        migrations.AddField('station', 'begun', models.IntegerField(default=0)),
        migrations.AddConstraint('station', models.CheckConstraint(condition=Q(begun__gte=0), name='station_begun_not_negative')),
    ]
