#!/bin/sh
# One image, several processes: `web`, `worker`, `beat`, `migrate`, or any other command as it is.
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
    exec celery --app learnflow worker --loglevel INFO --concurrency "${WORKER_CONCURRENCY:-2}"
    ;;
beat)
    exec celery --app learnflow beat --loglevel INFO --pidfile= --schedule /tmp/beat
    ;;
migrate)
    exec python manage.py migrate --noinput
    ;;
*)
    exec "$@"
    ;;
esac
