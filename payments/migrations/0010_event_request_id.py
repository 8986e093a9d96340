from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0009_forget_payloads"),
    ]

    operations = [
        migrations.AddField(
            model_name="stripeevent",
            name="request_id",
            field=models.CharField(blank=True, db_default="", default="", max_length=64),
        ),
    ]
