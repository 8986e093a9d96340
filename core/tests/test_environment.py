"""`.env` and the process's variables mean what they say, and secrets may lie in files."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from core.environment import SECRETS, Environment, read_env_file, read_variables

ROOT = Path(__file__).resolve().parents[2]

LINES = {
    "an address with a query": ("A=https://x.test/?a=b&c=$d", "https://x.test/?a=b&c=$d"),
    "a dollar first": ("A=$ecret", "$ecret"),
    "a dollar in quotes": ("A=\"a$b${c}\"", "a$b${c}"),
    "an escaped dollar": (r'A="a\$b"', "a$b"),
    "a backslash before a dollar": (r"A=a\$b", r"a\$b"),
    "single quotes": ("A='it is # \"all\" $this\\n'", "it is # \"all\" $this\\n"),
    "double quotes": (r'A="it is # \"all\" this\n"', 'it is # "all" this\n'),
    "quotes inside": ("A=it's \"so\"", "it's \"so\""),
    "a number sign inside": ("A=a#b", "a#b"),
    "a number sign first": ("A=#b", "#b"),
    "a comment behind": ("A=a#b # as before", "a#b"),
    "a comment behind quotes": ("A='a # b' # as before", "a # b"),
    "a comment alone": ("A= # later", ""),
    "spaces inside": ("A=LearnFlow <a@b.test>", "LearnFlow <a@b.test>"),
    "spaces around": ("  A =  b  ", "b"),
    "spaces in quotes": ("A='  b  '", "  b  "),
    "an equals sign": ("A=b=c==", "b=c=="),
    "for a shell": ("export A=b", "b"),
    "nothing": ("A=", ""),
    "another script": ("A=日本 é", "日本 é"),
    "a separator that is no line break": ("A=a\u2028b\x0cc", "a\u2028b\x0cc"),
}  # fmt: skip


@pytest.mark.parametrize(("line", "value"), LINES.values(), ids=LINES)
@pytest.mark.parametrize("ending", ["\n", "\r\n", ""], ids=["Unix", "Windows", "cut off"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "marked"])
def test_a_value_survives(tmp_path: Path, line: str, value: str, ending: str, mark: str) -> None:
    path = tmp_path / ".env"
    path.write_bytes(f"{mark}{line}{ending}".encode())

    assert read_env_file(path) == {"A": value}


def test_every_line_is_read(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("\ufeff# mine\nA=1\r\n\r\n  # more\nB='2'\nA=3\n", encoding="utf-8")

    assert read_env_file(path) == {"A": "3", "B": "2"}


@pytest.mark.parametrize(
    "line", ["Alone", "A b=c", "1A=b", "=b", "A='b", 'A="b', "A='b'c", "A='it's'", "A=b\0c"]
)
def test_a_line_that_means_nothing_is_named_without_its_text(tmp_path: Path, line: str) -> None:
    path = tmp_path / ".env"
    path.write_text(f"OK=1\n{line}\n")

    with pytest.raises(ImproperlyConfigured) as raised:
        read_env_file(path)

    assert str(raised.value).startswith(f"{path}, line 2: ")
    assert line not in str(raised.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "latin").write_bytes(b"A=\xe9\n")

    with pytest.raises(ImproperlyConfigured, match="folder can't be read: Is a directory"):
        read_env_file(tmp_path / "folder")
    with pytest.raises(ImproperlyConfigured, match="latin is not in UTF-8"):
        read_env_file(tmp_path / "latin")
    assert read_env_file(tmp_path / "missing") == {}


@pytest.mark.parametrize("value", ["$HOME", "a$HOME", "$$", r"\$a", "${HOME}"])
def test_a_dollar_refers_to_nothing(value: str) -> None:
    env = Environment({"HOME": "/root", "A": value})

    assert env.str("A") == env("A") == value


def test_an_empty_value_is_not_configured() -> None:
    env = Environment({"A": ""})

    assert env.int("A", default=3) == 3
    assert env.list("A", default=["x"]) == ["x"]
    assert env.bool("A", default=True) is True
    with pytest.raises(ImproperlyConfigured, match="A is not configured"):
        env.str("A")


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize(
    ("content", "value"),
    [
        ("$ecret#\n", "$ecret#"), ("two\r\n", "two"), ("none", "none"), ("a\nb\n\n", "a\nb\n"),
        (" kept ", " kept "),
    ],
)  # fmt: skip
def test_a_secret_may_lie_in_a_file(tmp_path: Path, name: str, content: str, value: str) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(content.encode())

    read = read_variables(process={f"{name}_FILE": str(secret), "OTHER_FILE": "x"}, file=None)

    assert read == {name: value, "OTHER_FILE": "x"}


def test_a_secret_given_twice_is_refused(tmp_path: Path) -> None:
    process = {"SECRET_KEY": "hidden", "SECRET_KEY_FILE": str(tmp_path / "secret")}

    with pytest.raises(ImproperlyConfigured) as raised:
        read_variables(process=process, file=None)

    assert str(raised.value) == "SECRET_KEY and SECRET_KEY_FILE are both set: keep one."


def test_a_secret_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    reasons = {
        "missing": "unreadable: No such file",
        ".": "unreadable: Is a directory",
        "empty": "holds no value",
        "binary": "it is not text in UTF-8",
    }

    for name, reason in reasons.items():
        process = {"JWT_SECRET_FILE": str(tmp_path / name)}
        with pytest.raises(ImproperlyConfigured, match=f"^JWT_SECRET_FILE names .*{reason}"):
            read_variables(process=process, file=None)


@pytest.mark.parametrize("beneath", ["SECRET_KEY=old", "SECRET_KEY_FILE=/nowhere"])
@pytest.mark.parametrize("form", ["SECRET_KEY", "SECRET_KEY_FILE"])
def test_the_process_wins_in_either_form(tmp_path: Path, beneath: str, form: str) -> None:
    (tmp_path / ".env").write_text(f"{beneath}\nPORT=1\n")
    (tmp_path / "secret").write_text("new")
    given = "new" if form == "SECRET_KEY" else str(tmp_path / "secret")

    read = read_variables(process={form: given}, file=tmp_path / ".env")
    emptied = read_variables(process={form: ""}, file=tmp_path / ".env")

    assert read == {"SECRET_KEY": "new", "PORT": "1"}
    assert not emptied.get("SECRET_KEY")
    assert emptied["PORT"] == "1"


def test_every_secret_of_the_example_may_lie_in_a_file() -> None:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    names = [line[1:].partition("=")[0] for line in text.splitlines() if line[:1] == "#"]
    words = ("KEY", "SECRET", "PASSWORD", "TOKEN", "DSN")
    secret = {name for name in names if name.isupper() and any(w in name for w in words)}

    # Those two are docker compose's own.
    assert secret - {"POSTGRES_PASSWORD", "REDIS_PASSWORD"} <= set(SECRETS)
