"""Work of the learning side for Celery. Each may run twice or at once."""

from celery import shared_task

from enrollments import services


@shared_task
def issue_missing_certificates() -> int:
    """Make the files of certificates that lack one (nudged at completion, swept by beat)."""
    return services.render_due_certificates()
