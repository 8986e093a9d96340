"""A request on its way in, piece by piece: tells when it is whole, and what is too much of it.

Of the head, nothing is judged here that gunicorn's parser judges: what can't be right is called
whole, so that the parser sees and refuses it. Bodies in chunks are put together, as WSGI knows no
others than those of a known length; the parser never sees the chunks, so they are judged here, as
strictly as it would. Were one of the two to see another end of a request than the other, or than a
proxy in front, a visitor could slip a request into somebody else's connection.
"""

import contextlib
import io
import re
import tempfile
from typing import IO

from gunicorn.http.body import CHUNK_EXT_RE

# The line of the request and its headers. gunicorn's own limits, below it, are a finer sieve.
MAX_HEAD = 64 * 1024
# Bodies grow in memory up to this and on disk from there on.
_IN_MEMORY = 64 * 1024
_LINE_OF_SIZE = 1024
_LONGEST_LENGTH = 18
_END = b"\r\n\r\n"
_EMPTY = b"\r\n"
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,32})((?:[ \t]*;.*)?)\r\n")
_TRAILER = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*\r\n")


class RefusedError(Exception):
    """What isn't taken, by the status that it is answered with."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Incoming:
    """One request. `head` is all that is known of it until its end is found, `size` what came of
    it in all, and `surplus` what came after it, the beginning of the next."""

    def __init__(self, *, max_body: int) -> None:
        self.head = b""
        self.size = 0
        self.surplus = b""
        # Whether the visitor sends the body only when asked for it, and was.
        self.wants_continue = False
        self.is_asked_for = False
        # Whether the body takes an open file.
        self.is_on_disk = False
        self._max_body = max_body
        self._file: IO[bytes] | None = None
        self._body: _Sized | _Chunked | None = None

    def take(self, data: bytes) -> bool:
        """Take what came; True once the request is whole. Raises RefusedError."""
        self.size += len(data)
        if self._body is not None:
            return self._take_body(self._body, data)
        searched = max(0, len(self.head) - len(_END) + 1)
        self.head += data
        found = self.head.find(_END, searched)
        if found < 0:
            if len(self.head) > MAX_HEAD:
                raise RefusedError(431 if b"\n" in self.head else 414)
            return False
        rest = self.head[found + len(_END) :]
        self.head = self.head[: found + len(_END)]
        self._body = self._find_body()
        if self._body is None:
            self.surplus = rest
            return True
        return self._take_body(self._body, rest)

    def open_body(self) -> IO[bytes]:
        """Return the body, to be read once."""
        if self._file is None:
            return io.BytesIO()
        self._file.seek(0)
        return self._file

    def close(self) -> None:
        """Forget the body."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()

    def _find_body(self) -> "_Sized | _Chunked | None":
        lower = self.head.lower()
        if b"content-length" not in lower and b"transfer-encoding" not in lower:
            return None
        headers: dict[bytes, bytes] = {}
        for line in self.head.split(b"\r\n")[1:-2]:
            name, _, value = line.partition(b":")
            known = name.lower() in headers
            headers[name.lower()] = b"given twice" if known else value.strip(b" \t")
        # HTTP/1.0 knows neither chunks nor the asking for a body.
        first = self.head.removeprefix(_EMPTY).partition(_EMPTY)[0]
        is_old = not first.endswith(b" HTTP/1.1")
        body = self._find_end(headers, is_old=is_old)
        if body is not None and not is_old:
            self.wants_continue = headers.get(b"expect", b"").lower() == b"100-continue"
        return body

    def _find_end(self, headers: dict[bytes, bytes], *, is_old: bool) -> "_Sized | _Chunked | None":
        length, encoding = headers.get(b"content-length"), headers.get(b"transfer-encoding")
        if encoding is not None:
            if length is not None or is_old:
                return None
            if encoding.lower() != b"chunked":
                # The parser takes some of these, and would look for chunks in vain.
                raise RefusedError(501)
            return _Chunked()
        if length is None or not length.isdigit() or not (digits := length.lstrip(b"0")):
            return None
        if len(digits) > _LONGEST_LENGTH or int(digits) > self._max_body:
            raise RefusedError(413)
        return _Sized(int(digits))

    def _take_body(self, body: "_Sized | _Chunked", data: bytes) -> bool:
        content, end = body.read(data)
        if self._file is None:
            self._file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115
        self.is_on_disk = self._file.tell() + len(content) > _IN_MEMORY
        self._file.write(content)
        # What leads the chunks may take as much as they, and no more.
        if self._file.tell() > self._max_body or self.size > 2 * self._max_body + MAX_HEAD:
            raise RefusedError(413)
        if end is None:
            return False
        self.surplus = data[end:]
        self._settle_head(self._file.tell())
        # Writes what is left to the disk, where it is refused while that can be said.
        self._file.seek(0)
        return True

    def _settle_head(self, length: int) -> None:
        """Let the head say what is true by now: of this length, and nobody waits to be asked."""
        if not self.wants_continue and isinstance(self._body, _Sized):
            return
        replaced = (b"transfer-encoding:",) if isinstance(self._body, _Chunked) else ()
        if self.wants_continue:
            replaced = (*replaced, b"expect:")
        lines = self.head.removesuffix(_END).split(b"\r\n")
        kept = [line for line in lines if not line.lower().startswith(replaced)]
        if isinstance(self._body, _Chunked):
            kept.append(b"Content-Length: %d" % length)
        self.head = b"\r\n".join(kept) + _END


class _Sized:
    """A body of a length that was announced."""

    def __init__(self, length: int) -> None:
        self._left = length

    def read(self, data: bytes) -> tuple[bytes, int | None]:
        """Return the content of what comes next, and where in it the body ends; None when it goes
        on. Raises RefusedError."""
        content = data[: self._left]
        self._left -= len(content)
        return content, None if self._left else len(content)


class _Chunked:
    """A body in chunks, each led by its size (RFC 9112, 7.1)."""

    def __init__(self) -> None:
        self._line = b""
        self._left = 0
        # What must follow the chunk.
        self._break = b""
        self._is_last = False
        self._trailers = 0

    def read(self, data: bytes) -> tuple[bytes, int | None]:
        """As `_Sized.read`."""
        content: list[bytes] = []
        position = 0
        while position < len(data):
            if self._left:
                piece = data[position : position + self._left]
                content.append(piece)
                self._left -= len(piece)
                position += len(piece)
            elif self._break:
                if data[position] != self._break[0]:
                    raise RefusedError(400)
                position += 1
                self._break = self._break[1:]
            else:
                newline = data.find(b"\n", position)
                end = newline + 1 if newline >= 0 else len(data)
                self._line += data[position:end]
                position = end
                if self._take_line():
                    return b"".join(content), position
        return b"".join(content), None

    def _take_line(self) -> bool:
        """Read the line, if it is one by now; whether it is the body's last."""
        if len(self._line) > _LINE_OF_SIZE:
            raise RefusedError(400)
        if not self._line.endswith(b"\n"):
            return False
        line, self._line = self._line, b""
        if self._is_last:
            return self._take_trailer(line)
        found = _SIZE.fullmatch(line)
        if found is None or not CHUNK_EXT_RE.fullmatch(found.group(2)):
            raise RefusedError(400)
        self._left = int(found.group(1), 16)
        self._is_last = self._left == 0
        self._break = b"" if self._is_last else _EMPTY
        return False

    def _take_trailer(self, line: bytes) -> bool:
        """Forget a header that follows the last chunk; whether it is the empty line instead."""
        if line == _EMPTY:
            return True
        self._trailers += len(line)
        if self._trailers > MAX_HEAD:
            raise RefusedError(431)
        if not _TRAILER.fullmatch(line):
            raise RefusedError(400)
        return False
