"""A community may move to another ledger: its chains keep the keys that it had, and it can be closed here."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('points', '0011_sealed_dismissals'),
    ]

    operations = [
        migrations.AddField(
            model_name='chainhead',
            name='key_shift',
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='chainhead',
            name='moved_out',
            field=models.BooleanField(default=False),
        ),
    ]
