"""Messages to people: e-mails as rows that a worker sends, and notices inside the product."""

from django.db import models
from django.db.models import Q

from core.models import BaseModel
from users.models import User


class Email(BaseModel):
    """One e-mail, written in the transaction of its cause and sent once by a worker.

    `dedupe_key` names the cause (e.g. "receipt:<order id>"): the same cause can't mail twice.
    Mails that carry a secret (`notifications.unwritten`) have no words here, neither before they
    are sent nor after.
    """

    class Status(models.TextChoices):
        PENDING = "pending"
        # Due like PENDING, but its words are made when it is sent. A state of its own, so that a
        # worker of the version before, which would send it empty, leaves it alone.
        UNWRITTEN = "unwritten"
        SENT = "sent"
        DEAD = "dead"
        # When it was to be sent, there was nothing to tell any more.
        DROPPED = "dropped"

    dedupe_key = models.CharField(max_length=200, unique=True)
    kind = models.CharField(max_length=50, db_index=True)
    user = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    to = models.EmailField()
    subject = models.CharField(max_length=300, blank=True)
    text = models.TextField(blank=True)
    html = models.TextField(blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    # A claim in progress ends by itself, so that a killed worker's mail goes out later.
    next_attempt_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)
    # Of the request that caused it, for the log; empty where none did.
    request_id = models.CharField(max_length=64, blank=True, default="", db_default="")

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["pending", "unwritten", "sent", "dead", "dropped"]),
                name="email_status_known",
            ),
        ]
        indexes = [
            models.Index(fields=["-created_at"], name="email_newest"),
            models.Index(fields=["status", "-created_at"], name="email_unusual",
                         condition=~Q(status="sent")),
            models.Index(fields=["to"], name="email_to"),
            models.Index(fields=["next_attempt_at"], name="email_waiting",
                         condition=Q(status__in=["pending", "unwritten"])),
            # What must not stay: empty but for what a worker of the version before still writes.
            models.Index(fields=["kind"], name="email_dead", condition=Q(status="dead")),
            models.Index(fields=["kind"], name="email_secret",
                         condition=Q(kind__in=["verification", "password-reset"]) & ~Q(text="")),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.kind} to {self.to}"


class Notification(BaseModel):
    """A notice inside the product."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notifications")
    dedupe_key = models.CharField(max_length=200, unique=True)
    kind = models.CharField(max_length=50)
    title = models.CharField(max_length=200)
    body = models.TextField(blank=True)
    link = models.CharField(max_length=300, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["user", "-created_at"], name="notification_mine"),
            models.Index(fields=["kind", "-id"], name="notification_kind"),
            models.Index(fields=["user"], name="notification_unread", condition=Q(read_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} for {self.user_id}"


class NotificationPreference(BaseModel):
    """What somebody wants to hear of. A missing row means everything; transactional mail (receipt,
    verification, refund, …) always goes out."""

    user = models.OneToOneField(
        User, on_delete=models.CASCADE, related_name="notification_preference"
    )
    email_enrollment = models.BooleanField(default=True)
    email_completion = models.BooleanField(default=True)
    email_review = models.BooleanField(default=True)
    in_app_enrollment = models.BooleanField(default=True)
    in_app_completion = models.BooleanField(default=True)
    in_app_review = models.BooleanField(default=True)

    def __str__(self) -> str:
        return f"preferences of {self.user_id}"
