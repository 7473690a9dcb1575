"""An event may be an officer's command that a station carried out."""

from __future__ import annotations


from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("stations", "0007_facts_of_communities"),)

    operations = (
        migrations.AlterField(
            model_name="event",
            name="kind",
            field=models.CharField(
                choices=[
                    ("visit", "Visit"),
                    ("alarm", "Alarm"),
                    ("command", "Command"),
                    ("unread", "Unread"),
                ],
                max_length=8,
            ),
        ),
    )
