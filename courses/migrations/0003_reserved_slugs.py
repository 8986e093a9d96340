from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("courses", "0002_authoring"),
    ]

    operations = [
        migrations.RemoveConstraint(model_name="course", name="course_slug_not_reserved"),
        migrations.AddConstraint(
            model_name="course",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "slug__in",
                        [
                            "export", "featured", "import", "new", "popular", "related", "search",
                            "suggest",
                        ],
                    ),
                    _negated=True,
                ),
                name="course_slug_not_reserved",
            ),
        ),
    ]
