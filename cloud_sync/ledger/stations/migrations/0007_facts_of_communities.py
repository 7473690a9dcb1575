import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('stations', '0006_stations_ahead'),
    ]

    operations = [
        migrations.AddField(
            model_name='community',
            name='language',
            field=models.CharField(choices=[('zh', 'Chinese'), ('en', 'English')], default='zh', max_length=2),
        ),
        migrations.AddField(
            model_name='community',
            name='sorting',
            field=models.TextField(default=''),
        ),
        migrations.CreateModel(
            name='CommunityChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('changed_at', models.DateTimeField()),
                ('by', models.CharField(max_length=64)),
                ('reason', models.CharField(max_length=200)),
                ('before', models.TextField()),
                ('after', models.TextField()),
                ('community', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='changes', to='stations.community')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('by', ''), _negated=True), models.Q(('reason', ''), _negated=True)), name='change_by_someone')],
            },
        ),
    ]
