"""What left this ledger, and what came to it."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('stations', '0007_facts_of_communities'),
    ]

    operations = [
        migrations.CreateModel(
            name='Arrival',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.CharField(max_length=32, unique=True)),
                ('position', models.BigIntegerField()),
                ('chain', models.BinaryField()),
                ('records', models.BigIntegerField()),
                ('records_chain', models.BinaryField()),
                ('by', models.CharField(max_length=64)),
                ('reason', models.CharField(max_length=200)),
                ('from_key', models.CharField(max_length=64)),
                ('came_at', models.DateTimeField()),
                ('community', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='arrival', to='stations.community')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('by', ''), _negated=True), models.Q(('reason', ''), _negated=True)), name='arrival_by_someone_for_a_reason')],
            },
        ),
        migrations.CreateModel(
            name='Departure',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.CharField(max_length=32, unique=True)),
                ('position', models.BigIntegerField()),
                ('chain', models.BinaryField()),
                ('records', models.BigIntegerField()),
                ('records_chain', models.BinaryField()),
                ('by', models.CharField(max_length=64)),
                ('reason', models.CharField(max_length=200)),
                ('to', models.CharField(max_length=200)),
                ('to_key', models.CharField(max_length=64)),
                ('left_at', models.DateTimeField()),
                ('confirmed_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('ended_by', models.CharField(blank=True, default='', max_length=64)),
                ('ended_reason', models.CharField(blank=True, default='', max_length=200)),
                ('community', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='departures', to='stations.community')),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('ended_at__isnull', True)), fields=('community',), name='departure_once_at_a_time'), models.CheckConstraint(condition=models.Q(models.Q(('by', ''), _negated=True), models.Q(('reason', ''), _negated=True)), name='departure_by_someone_for_a_reason'), models.CheckConstraint(condition=models.Q(models.Q(('ended_at__isnull', True), ('ended_by', ''), ('ended_reason', '')), models.Q(('confirmed_at__isnull', True), ('ended_at__isnull', False), models.Q(('ended_by', ''), _negated=True), models.Q(('ended_reason', ''), _negated=True)), _connector='OR'), name='departure_ended_by_someone_unconfirmed')],
            },
        ),
    ]
