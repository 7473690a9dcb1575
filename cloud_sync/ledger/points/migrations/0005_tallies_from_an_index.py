"""An index that has all of a household's tally of a day, in place of the one that only finds its rows."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('points', '0004_rows_that_stand'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='visitsettlement',
            name='settlement_of_household',
        ),
        migrations.AddIndex(
            model_name='visitsettlement',
            index=models.Index(fields=['household', 'local_day', 'settled', 'held', 'counted'], name='settlement_tally_of_household'),
        ),
    ]
