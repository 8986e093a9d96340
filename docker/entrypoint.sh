#!/bin/sh
# One image, several processes: `web`, `worker QUEUE[,QUEUE]` (or `worker` alone, for all queues), `beat`, `migrate`, or any
# other command as it is.
set -eu
cd /app

# Before gunicorn and Celery read WEB_CONCURRENCY and WORKER_CONCURRENCY themselves, each in its own way: what
# is wrong with any setting is said in words, and what is empty isn't configured.
check_settings() {
    python -c "from django.conf import settings; settings.DEBUG"
    [ -n "${WEB_CONCURRENCY:-}" ] || unset WEB_CONCURRENCY
}

case "${1:-web}" in
web)
    check_settings
    # The numbers of processes that ended with the last container would be counted again.
    export PROMETHEUS_MULTIPROC_DIR="${PROMETHEUS_MULTIPROC_DIR:-/tmp/metrics}"
    rm -rf "$PROMETHEUS_MULTIPROC_DIR"
    mkdir -p "$PROMETHEUS_MULTIPROC_DIR"
    exec gunicorn --config docker/gunicorn.conf.py learnflow.wsgi:application
    ;;
worker)
    shift
    export ALIVE_FILE="${ALIVE_FILE:-/tmp/alive}"
    check_settings
    # By itself, as `exec` would go on without it: a worker of all queues in place of one that there isn't.
    arguments=$(python -m learnflow.queues "$@")
    # shellcheck disable=SC2086 # several words
    exec celery --app learnflow worker --loglevel INFO $arguments
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
