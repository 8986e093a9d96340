"""`me`, the profile and its picture."""

import datetime as dt
import io
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image
from rest_framework.test import APIClient

from tests.factories import UserFactory
from tests.factories.people import sign_in
from users import pictures, selectors
from users.models import User, UserProfile

ME = "/api/v1/auth/me/"
URL = "/api/v1/users/profile/"
PICTURE = "/api/v1/users/profile/picture/"

ME_TYPES = {
    "bio": str, "profile_picture": str | None, "country": str, "total_hours_learned": int | float,
    "courses_completed": int, "current_streak_days": int,
}  # fmt: skip
PROFILE_TYPES = {
    **ME_TYPES, "phone": str, "timezone": str, "certificates_earned": int,
    "last_activity": str | None,
}  # fmt: skip

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> User:
    person = UserFactory.create(first_name="John", last_name="Doe")
    UserProfile.objects.filter(user=person).update(
        bio="Software developer",
        phone="+1234567890",
        country="USA",
        timezone="America/Los_Angeles",
        total_seconds_learned=248 * 3600,
        courses_completed=5,
        certificates_earned=4,
        current_streak_days=15,
        streak_day=dt.datetime.now(dt.UTC).date(),
        last_activity=dt.datetime(2026, 1, 27, 10, tzinfo=dt.UTC),
    )
    return person


@pytest.fixture
def client(user: User) -> APIClient:
    return sign_in(user)


def image(
    size: tuple[int, int] = (800, 400),
    kind: str = "PNG",
    mode: str = "RGB",
    color: Any = "red",
    **options: Any,
) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, color).save(out, format=kind, **options)
    return out.getvalue()


def upload(content: bytes, name: str = "me.png", content_type: str = "image/png") -> Any:
    return SimpleUploadedFile(name, content, content_type)


def put_picture(client: APIClient, content: bytes, **names: str) -> Any:
    return client.post(PICTURE, {"profile_picture": upload(content, **names)}, format="multipart")


def stored_picture(user: User) -> str:
    return str(UserProfile.objects.get(user=user).profile_picture)


def stored_bytes(user: User) -> bytes:
    return Path(default_storage.path(stored_picture(user))).read_bytes()


def files() -> set[str]:
    folder = Path(default_storage.path("profiles"))
    return {entry.name for entry in folder.iterdir()} if folder.exists() else set()


def assert_types(row: dict[str, Any], types: dict[str, Any]) -> None:
    assert set(row) == set(types)
    for name, kind in types.items():
        assert isinstance(row[name], kind), name
        assert not isinstance(row[name], bool), name


class TestRead:
    def test_me_is_as_planned(self, client: APIClient, user: User) -> None:
        body = client.get(ME).json()
        assert_types(body.pop("profile"), ME_TYPES)
        assert body == {
            "id": str(user.id),
            "email": user.email,
            "first_name": "John",
            "last_name": "Doe",
            "is_instructor": False,
            "email_verified": True,
        }

    def test_profile_is_as_planned(self, client: APIClient, user: User) -> None:
        body = client.get(URL).json()
        assert_types(body["profile"], PROFILE_TYPES)
        assert body == {
            "id": str(user.id),
            "email": user.email,
            "first_name": "John",
            "last_name": "Doe",
            "profile": {
                "bio": "Software developer",
                "profile_picture": None,
                "country": "USA",
                "total_hours_learned": 248,
                "courses_completed": 5,
                "current_streak_days": 15,
                "phone": "+1234567890",
                "timezone": "America/Los_Angeles",
                "certificates_earned": 4,
                "last_activity": "2026-01-27T10:00:00Z",
            },
        }

    def test_a_fresh_profile_has_every_field(self) -> None:
        client = sign_in(UserFactory.create())
        assert_types(client.get(ME).json()["profile"], ME_TYPES)
        profile = client.get(URL).json()["profile"]
        assert_types(profile, PROFILE_TYPES)
        assert (profile["last_activity"], profile["profile_picture"]) == (None, None)

    def test_queries(self, client: APIClient, django_assert_num_queries: Any) -> None:
        for url in (ME, URL):
            with django_assert_num_queries(2):
                client.get(url)

    @pytest.mark.parametrize("url", [ME, URL])
    def test_needs_a_login(self, api: APIClient, url: str) -> None:
        assert api.get(url).status_code == 401


class TestUpdate:
    @pytest.mark.parametrize("method", ["put", "patch"])
    def test_flat_in_nested_out(self, client: APIClient, user: User, method: str) -> None:
        changes = {
            "first_name": " Jane ",
            "last_name": "Roe",
            "bio": "Line one\nline two",
            "phone": "(030) 123-45",
            "country": "Deutschland",
            "timezone": "Europe/Berlin",
        }
        response = getattr(client, method)(URL, changes)
        assert response.status_code == 200
        body = response.json()
        assert (body["id"], body["first_name"], body["last_name"]) == (str(user.id), "Jane", "Roe")
        for name in ("bio", "phone", "country", "timezone"):
            assert body["profile"][name] == changes[name]
        assert body == client.get(URL).json()

    @pytest.mark.parametrize("method", ["put", "patch"])
    def test_what_is_left_out_stays(self, client: APIClient, method: str) -> None:
        before = client.get(URL).json()
        response = getattr(client, method)(URL, {"bio": ""})
        assert response.json() == {**before, "profile": {**before["profile"], "bio": ""}}
        assert getattr(client, method)(URL, {}).json() == response.json()

    def test_nobody_elses_changes(self, client: APIClient) -> None:
        other = UserFactory.create()
        before = selectors.get_account(user_id=other.id)
        client.put(URL, {"first_name": "Jane", "bio": "x"})
        assert selectors.get_account(user_id=other.id) == before

    def test_what_isnt_ones_to_set_is_ignored(self, client: APIClient, user: User) -> None:
        before = User.objects.filter(id=user.id).values().get()
        profile = UserProfile.objects.filter(user=user).values().get()
        response = client.patch(
            URL,
            {
                "id": "x", "email": "evil@example.test", "is_staff": True, "is_superuser": True,
                "is_instructor": True, "is_active": False, "email_verified_at": None,
                "password": "x", "total_hours_learned": 9, "total_seconds_learned": 9,
                "courses_completed": 99, "certificates_earned": 99, "current_streak_days": 99,
                "last_activity": None, "user": 1, "profile": {"bio": "nested"},
                "profile_picture": "https://evil.test/x.png",
            },
        )  # fmt: skip
        assert response.status_code == 200
        assert User.objects.filter(id=user.id).values().get() == before
        assert UserProfile.objects.filter(user=user).values().get() == profile

    @pytest.mark.parametrize(
        ("field", "value", "status"),
        [
            ("timezone", "Mars/Olympus", 422),
            ("timezone", "europe/berlin", 422),
            ("timezone", "../../etc/passwd", 422),
            ("timezone", "localtime", 422),
            ("timezone", "Europe", 422),
            ("timezone", 5, 400),
            ("first_name", "", 422),
            ("first_name", "a\tb", 422),
            ("last_name", "x" * 151, 422),
            ("last_name", None, 400),
            ("bio", "x" * 5001, 422),
            ("bio", ["x"], 400),
            ("bio", "nul\x00", 400),
            ("phone", "1" * 21, 422),
            ("phone", "call me", 422),
            ("country", "x" * 101, 422),
            ("country", {"code": "DE"}, 400),
        ],
    )
    def test_unacceptable(self, client: APIClient, field: str, value: Any, status: int) -> None:
        before = client.get(URL).json()
        response = client.put(URL, {"country": "France", field: value})
        assert response.status_code == status
        if value != "nul\x00":
            assert list(response.json()["error"]["details"]) == [field]
        assert client.get(URL).json() == before

    @pytest.mark.parametrize("name", ["", "UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires"])
    def test_time_zones(self, client: APIClient, name: str) -> None:
        assert client.patch(URL, {"timezone": name}).json()["profile"]["timezone"] == name

    def test_lone_surrogate_is_400(self, client: APIClient) -> None:
        response = client.put(URL, b'{"bio": "\\ud800"}', content_type="application/json")
        assert response.status_code == 400

    def test_nul_in_a_form_is_refused(self, client: APIClient) -> None:
        response = client.put(URL, {"bio": "nul\x00"}, format="multipart")
        assert response.status_code == 422

    def test_other_content_types_are_415(self, client: APIClient) -> None:
        response = client.put(URL, "bio=x", content_type="application/x-www-form-urlencoded")
        assert response.status_code == 415

    def test_queries(self, client: APIClient, django_assert_num_queries: Any) -> None:
        # person and session, begin, names, event and delivery, lock, profile, commit, answer
        with django_assert_num_queries(9):
            client.put(URL, {"first_name": "Jane", "bio": "x"})


class TestPicture:
    @pytest.mark.parametrize("method", ["put", "patch"])
    def test_by_form_with_the_fields(self, client: APIClient, user: User, method: str) -> None:
        body = {"bio": "With picture", "profile_picture": upload(image())}
        response = getattr(client, method)(URL, body, format="multipart")
        assert response.status_code == 200
        profile = response.json()["profile"]
        assert profile["bio"] == "With picture"
        assert profile["country"] == "USA"
        name = stored_picture(user)
        assert profile["profile_picture"] == f"http://testserver/media/{name}"
        assert name.startswith("profiles/")
        assert "me" not in name

    @pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
    def test_becomes_small_webp(self, client: APIClient, user: User, kind: str) -> None:
        assert put_picture(client, image((1600, 800), kind)).status_code == 200
        with Image.open(io.BytesIO(stored_bytes(user))) as stored:
            assert stored.format == "WEBP"
            assert stored.size == (512, 256)

    def test_small_stays_small_and_transparent(self, client: APIClient, user: User) -> None:
        put_picture(client, image((40, 30), mode="RGBA", color=(255, 0, 0, 100)))
        with Image.open(io.BytesIO(stored_bytes(user))) as stored:
            assert (stored.size, stored.mode) == ((40, 30), "RGBA")

    def test_is_turned_upright_and_loses_its_metadata(self, client: APIClient, user: User) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6  # turned by 90 degrees
        exif[0x010F] = "SECRET-CAMERA"
        content = image((300, 100), "JPEG", exif=exif, comment=b"SECRET-COMMENT")
        assert b"SECRET" in content
        put_picture(client, content)
        stored = stored_bytes(user)
        assert b"SECRET" not in stored
        with Image.open(io.BytesIO(stored)) as picture:
            assert picture.size == (100, 300)
            assert not picture.getexif()

    def test_name_and_content_type_are_not_believed(self, client: APIClient, user: User) -> None:
        response = put_picture(
            client, image(), name="../../evil.php", content_type="application/x-php"
        )
        assert response.status_code == 200
        assert stored_picture(user).endswith(".webp")
        for content in (b"<svg onload=alert(1)>", b"GIF89a<script>", b"%!PS-Adobe", b""):
            assert put_picture(client, content).status_code == 422

    @pytest.mark.parametrize("kind", ["BMP", "TIFF", "ICO", "PDF"])
    def test_other_formats_are_refused(self, client: APIClient, kind: str) -> None:
        response = put_picture(client, image((64, 64), kind))
        assert response.status_code == 422
        assert list(response.json()["error"]["details"]) == ["profile_picture"]

    def test_truncated_is_refused(self, client: APIClient) -> None:
        before = files()
        assert put_picture(client, image((900, 900), "JPEG")[:-200]).status_code == 422
        assert files() == before

    def test_bombs_are_refused_before_they_go_off(
        self, client: APIClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bomb = image((8000, 5001), mode="1")
        assert len(bomb) < 20_000
        unpacked: list[bool] = []
        monkeypatch.setattr(
            "PIL.PngImagePlugin.PngImageFile.load", lambda self: unpacked.append(True)
        )
        response = put_picture(client, bomb)
        assert response.status_code == 422
        assert "pixels" in response.json()["error"]["details"]["profile_picture"][0]
        assert unpacked == []

    def test_just_too_large_is_422_far_too_large_413(
        self, client: APIClient, settings: Any
    ) -> None:
        settings.PROFILE_PICTURE_MAX_BYTES = 10_000
        picture = image()
        response = put_picture(client, picture + b"\0" * (10_001 - len(picture)))
        assert response.status_code == 422
        assert put_picture(client, picture + b"\0" * (10_000 - len(picture))).status_code == 200
        response = put_picture(client, picture + b"\0" * 30_000)
        assert response.status_code == 413
        assert response.json()["error"]["code"] == "PAYLOAD_TOO_LARGE"

    def test_the_old_file_goes_after_the_commit(
        self, client: APIClient, user: User, django_capture_on_commit_callbacks: Any
    ) -> None:
        put_picture(client, image())
        old = stored_picture(user)
        with django_capture_on_commit_callbacks() as callbacks:
            put_picture(client, image())
        new = stored_picture(user)
        assert new != old
        assert default_storage.exists(old)
        for callback in callbacks:
            callback()
        assert not default_storage.exists(old)
        assert default_storage.exists(new)

    def test_a_failed_update_leaves_no_file(
        self, client: APIClient, user: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        put_picture(client, image())
        before, name = files(), stored_picture(user)

        def fail(*_: Any, **__: Any) -> None:
            raise RuntimeError("the database is gone")

        monkeypatch.setattr(UserProfile, "save", fail)
        assert put_picture(client, image()).status_code == 500
        assert files() == before
        assert stored_picture(user) == name

    def test_delete_is_idempotent(
        self, client: APIClient, user: User, django_capture_on_commit_callbacks: Any
    ) -> None:
        put_picture(client, image())
        name = stored_picture(user)
        with django_capture_on_commit_callbacks(execute=True):
            assert client.delete(PICTURE).status_code == 204
        assert not default_storage.exists(name)
        assert client.delete(PICTURE).status_code == 204
        assert client.get(ME).json()["profile"]["profile_picture"] is None

    def test_without_a_file_is_400(self, client: APIClient) -> None:
        assert client.post(PICTURE, {}, format="multipart").status_code == 400
        text = client.post(PICTURE, {"profile_picture": "text"}, format="multipart")
        assert text.status_code == 422
        assert client.post(PICTURE, {}).status_code == 415

    def test_broken_form_is_400(self, client: APIClient) -> None:
        for content_type in ("multipart/form-data", "multipart/form-data; boundary=\xe9"):
            response = client.put(URL, b"--y\r\nbroken", content_type=content_type)
            assert response.status_code == 400

    def test_needs_a_login(self, api: APIClient) -> None:
        assert put_picture(api, image()).status_code == 401
        assert api.delete(PICTURE).status_code == 401


def test_every_accepted_format_is_named_to_the_client() -> None:
    assert set(pictures.FORMATS) == {"JPEG", "PNG", "WEBP", "GIF"}
