#!/bin/sh
# The job that prepares the broker: waits for it, imports the definitions, and checks that they hold. May be run again.
set -eu
management=${SLUICE_MANAGEMENT_URL:-http://rabbitmq:15672}
administrator=$RABBITMQ_DEFAULT_USER:$RABBITMQ_DEFAULT_PASS

api() {
  path=$1
  shift
  curl -fsS -m 20 -u "$administrator" -H 'content-type: application/json' "$@" "$management/api/$path"
}

tries=0
until version=$(api overview 2>/dev/null); do
  tries=$((tries + 1))
  if [ "$tries" -ge 60 ]; then
    echo "the broker does not answer at $management" >&2
    exit 1
  fi
  sleep 1
done
case $version in
*'"rabbitmq_version":"3.'*) target=3.10 ;;
*) target=4.x ;;
esac
topology definitions --target "$target" --providers "$SLUICE_PROVIDERS" |
  api definitions -X POST --data-binary @- -o /dev/null
exec topology check --url "$management" --providers "$SLUICE_PROVIDERS" --wait 30
