"""Celery's transport over Redis, mended where one lost answer would stop a worker for good."""

from typing import Any

from kombu.transport import redis, virtual


class ForgivingQoS(redis.QoS):
    """Frees a message's place also when Redis doesn't answer its acknowledgement.

    A worker takes no more messages than it has places for. kombu leaves the place taken when the
    acknowledgement fails, so that a worker of one process took nothing any more after a hiccup of
    Redis, until somebody started it anew. The message itself is given to a worker once more after
    the visibility time-out, which does no harm: tasks may run twice.
    """

    def ack(self, delivery_tag: Any) -> None:
        try:
            super().ack(delivery_tag)
        except Exception:
            virtual.QoS.ack(self, delivery_tag)
            raise

    def reject(self, delivery_tag: Any, requeue: bool = False) -> None:
        try:
            super().reject(delivery_tag, requeue=requeue)
        except Exception:
            virtual.QoS.ack(self, delivery_tag)
            raise


def use_forgiving_qos() -> None:
    """Let all connections of this process forgive."""
    redis.Channel.QoS = ForgivingQoS
