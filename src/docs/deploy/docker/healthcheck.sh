#!/usr/bin/env bash
# healthcheck ready|live: exits with 0 if Callboard in this container answers 200 to /observe/health/ready or /live, else
# with 1. Needs bash alone, since images of a JRE often have no curl. The address is always loopback, which every
# callboard.management.host but a single other address includes.
set -eu
port=${CALLBOARD_MANAGEMENT_PORT:-9876}
password=
if [ -n "${CALLBOARD_MANAGEMENT_PASSWORD:-}" ]; then
    password="Authorization: Basic $(printf ':%s' "$CALLBOARD_MANAGEMENT_PASSWORD" | base64 -w 0)"$'\r\n'
fi
exec 3<>"/dev/tcp/127.0.0.1/$port"
printf 'GET /observe/health/%s HTTP/1.1\r\nHost: 127.0.0.1\r\n%sConnection: close\r\n\r\n' "${1:-ready}" "$password" >&3
read -r -t 5 _ status _ <&3 || exit 1
[ "$status" = 200 ]
