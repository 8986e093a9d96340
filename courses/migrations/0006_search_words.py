from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('courses', '0005_search'),
    ]

    operations = [
        migrations.AddField(
            model_name='searchentry',
            name='words',
            field=models.TextField(default='', help_text='The title as it is compared'),
        ),
    ]
