from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0002_idempotency_claim"),
    ]

    operations = [
        migrations.AddField(
            model_name="outboxdelivery",
            name="queue",
            field=models.CharField(db_default="learning", default="learning", max_length=20),
        ),
    ]
