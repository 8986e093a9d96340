"""A request on its way in, piece by piece: tells when it is whole, and what is too much of it.

Of the head, nothing is judged here that gunicorn's parser judges: what can't be right is called
whole, so that the parser sees and refuses it. Bodies in chunks are put together, as WSGI knows no
others than those of a known length.
"""

import io
import tempfile
from typing import IO

# The line of the request and its headers. gunicorn's own limits, below it, are a finer sieve.
MAX_HEAD = 64 * 1024
# Bodies grow in memory up to this and on disk from there on.
_IN_MEMORY = 64 * 1024
_LINE_OF_SIZE = 1024
_END = b"\r\n\r\n"
_REPLACED = (b"expect:", b"transfer-encoding:")


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
            self._file.close()

    def _find_body(self) -> "_Sized | _Chunked | None":
        lower = self.head.lower()
        if b"content-length" not in lower and b"transfer-encoding" not in lower:
            return None
        headers: dict[bytes, bytes] = {}
        for line in self.head.split(b"\r\n")[1:-2]:
            name, _, value = line.partition(b":")
            known = name.lower() in headers
            headers[name.lower()] = b"given twice" if known else value.strip()
        body = self._find_end(headers)
        if body is not None:
            self.wants_continue = headers.get(b"expect", b"").lower() == b"100-continue"
        return body

    def _find_end(self, headers: dict[bytes, bytes]) -> "_Sized | _Chunked | None":
        length, encoding = headers.get(b"content-length"), headers.get(b"transfer-encoding")
        if encoding is not None:
            is_clear = encoding.lower() == b"chunked" and length is None
            return _Chunked() if is_clear else None
        if length is None or not length.isdigit() or len(length) > 18 or not int(length):
            return None
        if int(length) > self._max_body:
            raise RefusedError(413)
        return _Sized(int(length))

    def _take_body(self, body: "_Sized | _Chunked", data: bytes) -> bool:
        content, end = body.read(data)
        if self._file is None:
            self._file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115
        self._file.write(content)
        if self._file.tell() > self._max_body:
            raise RefusedError(413)
        if end is None:
            return False
        self.surplus = data[end:]
        self._settle_head(self._file.tell())
        return True

    def _settle_head(self, length: int) -> None:
        """Let the head say what is true by now: of this length, and nobody waits to be asked."""
        if not self.wants_continue and isinstance(self._body, _Sized):
            return
        lines = self.head.removesuffix(_END).split(b"\r\n")
        kept = [line for line in lines if not line.lower().startswith(_REPLACED)]
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
        # Of the chunk, and of the line break after it.
        self._left = 0
        self._break = 0
        self._is_last = False

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
                position += 1
                self._break -= 1
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
        line, self._line = self._line.strip(), b""
        if self._is_last:
            return not line
        size = line.split(b";")[0].strip()
        try:
            self._left = int(size, 16)
        except ValueError:
            raise RefusedError(400) from None
        if not size.isalnum():
            raise RefusedError(400)
        self._is_last = self._left == 0
        self._break = 0 if self._is_last else 2
        return False
