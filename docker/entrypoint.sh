#!/bin/sh
# One image, several processes: `web`, `worker QUEUE[,QUEUE]` (or `worker` alone, for all queues), `beat`, `migrate`, or any
# other command as it is.
set -eu
cd /app

case "${1:-web}" in
web)
    # The numbers of processes that ended with the last container would be counted again.
    export PROMETHEUS_MULTIPROC_DIR="${PROMETHEUS_MULTIPROC_DIR:-/tmp/metrics}"
    rm -rf "$PROMETHEUS_MULTIPROC_DIR"
    mkdir -p "$PROMETHEUS_MULTIPROC_DIR"
    exec gunicorn --config docker/gunicorn.conf.py learnflow.wsgi:application
    ;;
worker)
    shift
    export ALIVE_FILE="${ALIVE_FILE:-/tmp/alive}"
    # shellcheck disable=SC2046 # several words
    exec celery --app learnflow worker --loglevel INFO $(python -m learnflow.queues "$@")
    ;;
beat)
    export ALIVE_FILE="${ALIVE_FILE:-/tmp/alive}"
    exec celery --app learnflow beat --loglevel INFO --pidfile=
    ;;
migrate)
    exec python manage.py migrate --noinput
    ;;
*)
    exec "$@"
    ;;
esac
