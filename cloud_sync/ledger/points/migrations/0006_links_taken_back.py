"""Links to a household's statement can be taken back."""

from django.db import migrations, models
from django.db.models import deletion


class Migration(migrations.Migration):

    dependencies = [
        ('points', '0005_tallies_from_an_index'),
    ]

    operations = [
        migrations.AddField(
            model_name='household',
            name='links_ended',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='household',
            name='links_ended_by',
            field=models.ForeignKey(null=True, on_delete=deletion.PROTECT, related_name='+', to='points.decision'),
        ),
    ]
