"""Pictures of the demo, drawn and not downloaded: course thumbnails and avatars.

Everything here is plain Pillow and knows neither Django nor the database, so that a worker process
can draw without either. The same words give the same picture, on every machine and every day.
"""

from api.demo.artwork.avatars import draw_avatar
from api.demo.artwork.thumbnails import draw_thumbnail

__all__ = ["draw_avatar", "draw_thumbnail"]
