"""Registering, signing in, verifying an e-mail, and switching a person off."""

import uuid
from dataclasses import dataclass

from django.contrib.auth import authenticate
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, models, transaction
from django.utils import timezone
from psycopg.errors import UniqueViolation

from core import outbox
from core.audit import record_audit
from users import links
from users.errors import EmailTaken, InvalidCredentials, LinkInvalid, UserNotFound
from users.events import UserRegistered, VerificationRequested
from users.familiarity import welcome
from users.guesses import Guesses
from users.mailing import may_mail
from users.models import Session, User, UserProfile, normalise_email
from users.services.passwords import check_new_password
from users.services.sessions import Caller, end_sessions, open_session
from users.tokens import TokenPair, issue_tokens


@dataclass(frozen=True, kw_only=True)
class SignedIn:
    """A person and the tokens of the session just opened."""

    user: User
    tokens: TokenPair


def register_user(
    *, email: str, password: str, first_name: str, last_name: str, caller: Caller
) -> SignedIn:
    """Create a person with a profile and open their first session. Welcome and verification mails
    follow from the events.

    Raises Invalid (under `password`) and EmailTaken.
    """
    user = User(email=normalise_email(email), first_name=first_name, last_name=last_name)
    check_new_password(password, user=user, field="password")
    user.password = make_password(password)
    with transaction.atomic():
        _insert(user)
        UserProfile.objects.create(user=user)
        session = open_session(user_id=user.id, caller=caller)
        outbox.record(UserRegistered(user_id=user.id))
        outbox.record(VerificationRequested(user_id=user.id))
    return SignedIn(user=user, tokens=issue_tokens(session=session))


def sign_in(*, email: str, password: str, caller: Caller) -> SignedIn:
    """Open a session for the right e-mail and password. Raises what `check_credentials` does."""
    user = check_credentials(email=email, password=password, ip=caller.ip)
    return _open_for(user, password, caller)


def check_credentials(*, email: str, password: str, ip: str) -> User:
    """Return the active person with this e-mail and password.

    The one door for whoever knows a password: the API's login and the admin's both come through
    here, so that they share their counts. Raises InvalidCredentials, the same and after the same
    work whether the e-mail is unknown, the password wrong or the person inactive; TooMany after as
    many failures as THROTTLE_LOGIN allows (`users.guesses`), right or wrong. A success forgets
    what was counted for this account and network, and makes the network familiar.
    """
    email = normalise_email(email)
    guesses = Guesses(email=email, ip=ip)
    guesses.check()
    user = authenticate(username=email, password=password)
    if not isinstance(user, User):
        guesses.count()
        raise InvalidCredentials
    # Again: of many guesses at once, only as many as allowed may learn whether they were right.
    guesses.check()
    guesses.forget()
    welcome(email=email, ip=ip)
    return user


def verify_email(*, token: str) -> None:
    """Note that the person reads mail at the token's address. Again changes nothing. Raises
    LinkInvalid, also when the address or the person is no longer current."""
    claims = links.read_verification_token(token)
    theirs = User.objects.filter(id=claims.user_id, email=claims.email, is_active=True)
    if not theirs.exists():
        raise LinkInvalid(token=[LinkInvalid.message])
    theirs.filter(email_verified_at=None).update(email_verified_at=timezone.now())


def request_verification(*, user_id: uuid.UUID) -> None:
    """Ask for another verification mail to the person signed in, unless there is nothing to
    verify."""
    _request_verification(User.objects.filter(id=user_id))


def request_verification_by_email(*, email: str, ip: str) -> None:
    """The same for whoever has this e-mail, if anybody, asked for by whoever is at `ip`. The work
    is the same whether or not anybody has it or has verified it; a worker finds out. Raises
    TooMany (`users.mailing`)."""
    email = normalise_email(email)
    if may_mail(kind="verification", email=email, ip=ip):
        _request_verification(User.objects.filter(email=email))


def set_active(*, user_id: uuid.UUID, is_active: bool, actor_id: uuid.UUID | None) -> None:
    """Let a person in or keep them out. Keeping out ends every session for good. Audited.

    Raises UserNotFound.
    """
    with transaction.atomic():
        user = User.objects.select_for_update(no_key=True).filter(id=user_id).first()
        if user is None:
            raise UserNotFound
        if not is_active:
            end_sessions(user_id=user_id, reason=Session.EndReason.DEACTIVATED)
        if user.is_active == is_active:
            return
        user.is_active = is_active
        user.save(update_fields=["is_active", "updated_at"])
        record_audit(
            actor_id=actor_id,
            action="user.activated" if is_active else "user.deactivated",
            target_type="user",
            target_id=user_id,
        )


def _insert(user: User) -> None:
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError as exc:
        if isinstance(exc.__cause__, UniqueViolation):
            raise EmailTaken from None
        raise


def _open_for(user: User, password: str, caller: Caller) -> SignedIn:
    """Open the session under the person's lock, as the password or the person may have been changed
    since it was checked."""
    with transaction.atomic():
        current = User.objects.select_for_update(no_key=True).get(id=user.id)
        unchanged = current.password == user.password or current.check_password(password)
        if not (unchanged and current.is_active):
            raise InvalidCredentials
        session = open_session(user_id=current.id, caller=caller)
    return SignedIn(user=current, tokens=issue_tokens(session=session))


def _request_verification(people: models.QuerySet[User]) -> None:
    owed = people.filter(is_active=True, email_verified_at=None)
    whose = owed.values_list("id", flat=True).first()
    with transaction.atomic():
        outbox.record(VerificationRequested(user_id=whose))
