"""People, their profiles and their sessions."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.indexes import OpClass
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Upper

from core.ids import new_id
from core.models import BaseModel


class UserManager(BaseUserManager["User"]):
    """Creates people by e-mail, and finds them whatever the case of its letters."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Return a new person. The e-mail is stored in lower case: it is the identity."""
        user = self.model(email=normalise_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        UserProfile.objects.using(self._db).create(user=user)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Return a new member of staff who may do everything (for `manage.py createsuperuser`)."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=normalise_email(username or ""))


def normalise_email(email: str) -> str:
    """Return the e-mail as it is stored and compared: stripped and in lower case."""
    return email.strip().lower()


class User(AbstractBaseUser, PermissionsMixin):
    """A person, known by e-mail."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    email = models.EmailField(unique=True)
    first_name = models.CharField(max_length=150)
    last_name = models.CharField(max_length=150)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    is_instructor = models.BooleanField(default=False)
    email_verified_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["first_name", "last_name"]

    objects = UserManager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(Lower("email"), name="user_email_unique_any_case"),
            models.CheckConstraint(condition=Q(email=Lower("email")), name="user_email_lower_case"),
        ]
        indexes = [
            models.Index(fields=["is_instructor"], name="user_instructors",
                         condition=Q(is_instructor=True)),
            models.Index(fields=["-created_at"], name="user_newest"),
            models.Index(fields=["-created_at"], name="user_inactive",
                         condition=Q(is_active=False)),
            models.Index(fields=["-created_at"], name="user_staff", condition=Q(is_staff=True)),
            # Who is searched for by the beginning of a name, in any case.
            models.Index(OpClass(Upper("first_name"), "varchar_pattern_ops"),
                         name="user_first_name"),
            models.Index(OpClass(Upper("last_name"), "varchar_pattern_ops"),
                         name="user_last_name"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.email

    @property
    def full_name(self) -> str:
        """First and last name, as certificates and mails show them."""
        return f"{self.first_name} {self.last_name}".strip()


class UserProfile(BaseModel):
    """What a person tells of themselves, and counters of what they learned."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="profile")
    bio = models.TextField(blank=True, max_length=5000)
    profile_picture = models.ImageField(upload_to="profiles/", blank=True, max_length=255)
    phone = models.CharField(max_length=20, blank=True)
    country = models.CharField(max_length=100, blank=True)
    timezone = models.CharField(max_length=50, blank=True)
    total_seconds_learned = models.PositiveBigIntegerField(default=0)
    courses_completed = models.PositiveIntegerField(default=0)
    certificates_earned = models.PositiveIntegerField(default=0)
    # The streak as of `streak_day` (the person's own calendar); it has lapsed when that day is
    # before yesterday, which readers work out.
    current_streak_days = models.PositiveIntegerField(default=0)
    streak_day = models.DateField(null=True, blank=True)
    last_activity = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"profile of {self.user_id}"


class Session(BaseModel):
    """A login on one device. It has exactly one live refresh token, `refresh_jti`."""

    class EndReason(models.TextChoices):
        LOGOUT = "logout"
        SIGNED_OUT = "signed_out"
        TOKEN_REUSED = "token_reused"  # noqa: S105 - a reason, no secret
        PASSWORD = "password"  # noqa: S105 - a reason, no secret
        DEACTIVATED = "deactivated"
        STAFF = "staff"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sessions")
    refresh_jti = models.UUIDField(unique=True, default=new_id)
    # Refresh tokens used within the last REFRESH_REUSE_GRACE, oldest first, each as
    # {"used": jti, "successor": jti, "at": ISO time of its first use}.
    recent_rotations = models.JSONField(default=list, blank=True)
    rotated_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=20, blank=True, choices=EndReason)
    device = models.CharField(max_length=255, blank=True)
    ip = models.GenericIPAddressField(null=True, blank=True)
    last_used_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(ended_at=None, end_reason="")
                | Q(
                    ended_at__isnull=False,
                    end_reason__in=[
                        "logout", "signed_out", "token_reused", "password", "deactivated", "staff"
                    ],
                ),
                name="session_end_has_reason",
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["user", "-last_used_at"], name="session_live",
                         condition=Q(ended_at=None)),
            models.Index(fields=["expires_at"], name="session_expiry"),
            models.Index(fields=["ip"], name="session_ip"),
            models.Index(fields=["end_reason", "-expires_at"], name="session_ended",
                         condition=~Q(end_reason="")),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"session {self.id} of {self.user_id}"
