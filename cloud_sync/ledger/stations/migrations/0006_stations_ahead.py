"""What stations say of a ledger's clock that is behind them."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('stations', '0005_dismissals_that_end'),
    ]

    operations = [
        migrations.AddField('station', 'ahead_at', models.DateTimeField(null=True)),
    ]
