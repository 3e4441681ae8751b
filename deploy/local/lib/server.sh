# shellcheck shell=bash
# What the scripts in deploy/local share. Sourced; sets no traps and changes no directory.

library=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")

fail() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}

# until_true SECONDS COMMAND...: repeats COMMAND until it succeeds; false when time is up.
until_true() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < deadline)) || return 1
    sleep 0.1
  done
}

# stored FILE COMMAND...: the content of FILE; on the first call the output of COMMAND, kept there.
stored() {
  local file=$1
  shift
  if [[ ! -s $file ]]; then
    (umask 077 && "$@" >"$file.new")
    mv "$file.new" "$file"
  fi
  cat "$file"
}

free_port() { "$library/free-port" "$@"; }

random_secret() { od -An -N 24 -tx1 /dev/urandom | tr -d ' \n'; }

port_answers() { (exec 3<>"/dev/tcp/${2:-127.0.0.1}/$1") 2>/dev/null; }

pid_is_gone() { [[ ! -d /proc/$1 ]] || grep -q '^State:[[:space:]]*[ZX]' "/proc/$1/status" 2>/dev/null; }

# stop_pid PID SIGNAL SECONDS: the signal, then KILL when it did not help in time.
stop_pid() {
  kill -s "$2" "$1" 2>/dev/null || return 0
  if ! until_true "$3" pid_is_gone "$1"; then
    kill -s KILL "$1" 2>/dev/null || true
    until_true 5 pid_is_gone "$1" || fail "process $1 does not end"
  fi
}

# only_one_at_a_time FILE SECONDS: waits for the lock, held until this script ends. What is started in the background
# must close it: `9>&-`.
only_one_at_a_time() {
  exec 9>"$1"
  flock -w "$2" 9 || fail "another run holds $1"
}

show_log() {
  printf '\nThe last lines of %s:\n' "$1" >&2
  tail -n "${2:-20}" "$1" 2>/dev/null | cut -c 1-400 >&2 || true
}
