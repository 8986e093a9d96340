from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0054_free_erased_orders"),
    ]

    operations = [
        migrations.AddField(
            model_name="stripecursor",
            name="reading_until",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="stripecursor",
            name="reading_after",
            field=models.CharField(blank=True, db_default="", default="", max_length=255),
        ),
    ]
