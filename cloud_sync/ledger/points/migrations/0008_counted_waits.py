"""Waits are counted in the ledger's own running time; what waited already is counted by the transfers' dates."""

from typing import Any

from django.db import migrations, models


def count_waits(apps: Any, _editor: object) -> None:
    """What waits has waited from its beginning to the newest transfer, whatever the clock says now."""
    transfers = apps.get_model("points", "Transfer").objects
    newest = {
        head.community_id: transfers.filter(community=head.community_id, position=head.position).first()
        for head in apps.get_model("points", "ChainHead").objects.all()
    }
    waiting = apps.get_model("points", "VisitSettlement").objects.filter(held_since__isnull=False)
    for row in waiting.iterator():
        last = newest.get(row.community_id)
        if last is not None:
            row.held_at_s = min(0, -int((last.created_at - row.held_since).total_seconds()))
            row.save(update_fields=["held_at_s"])


def forget(_apps: object, _editor: object) -> None:
    """The columns go."""


class Migration(migrations.Migration):

    dependencies = [
        ('points', '0007_what_was_signed'),
    ]

    operations = [
        migrations.AddField(
            model_name='account',
            name='opened_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='chainhead',
            name='noted_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='chainhead',
            name='ran_s',
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='visitsettlement',
            name='held_at_s',
            field=models.BigIntegerField(default=0),
        ),
        migrations.RunPython(count_waits, forget),
        migrations.AlterField(
            model_name='visitsettlement',
            name='held_by',
            field=models.CharField(blank=True, choices=[('unknown_card', 'unknown_card'), ('cheating', 'cheating'), ('mint_limit', 'mint_limit'), ('cloned_journal', 'cloned_journal'), ('backdated', 'backdated')], default='', max_length=16),
        ),
    ]
