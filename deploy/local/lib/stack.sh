# shellcheck shell=bash
# What `up` and `down` know about a stack: its folder, its processes, and how to tell whether one still runs. Sourced.

# shellcheck source=server.sh
source "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/server.sh"

scripts=$(dirname "$library")
# shellcheck disable=SC2034 # read by the scripts that source this
root=$(cd "$scripts/../.." && pwd -P)
# shellcheck disable=SC2034
services=(status-projector scheduler sender dead-letter api-gateway)

# use_home: sets `home`, `run`, `logs` and `state` from SLUICE_HOME or its default, and makes them.
use_home() {
  home=${SLUICE_HOME:-$root/.local}
  mkdir -p "$home"
  home=$(cd "$home" && pwd -P)
  run=$home/run logs=$home/log state=$home/state
  mkdir -p "$run" "$logs" "$state"
}

started_at=${EPOCHREALTIME/./}

# say TEXT...: a line of progress with the seconds since the start.
say() {
  local elapsed=$(((${EPOCHREALTIME/./} - started_at) / 100000))
  printf '%6d.%d s  %s\n' $((elapsed / 10)) $((elapsed % 10)) "$*"
}

# The moment a process started, in ticks since boot: with its pid it names one process for ever.
start_time() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20; }

# remember NAME PID
remember() {
  start_time "$2" >"$run/$1.start"
  printf '%s\n' "$2" >"$run/$1.pid"
}

# running NAME: prints the pid of the process that was remembered under this name, when it still runs.
running() {
  local pid
  pid=$(cat "$run/$1.pid" 2>/dev/null) && [[ -n $pid ]] || return 1
  ! pid_is_gone "$pid" || return 1
  [[ $(start_time "$pid") == "$(cat "$run/$1.start" 2>/dev/null)" ]] || return 1
  printf '%s' "$pid"
}

# stop_all SECONDS NAME...: TERM to all of them, then KILL to those that are left when time is up.
stop_all() {
  local limit=$1 name pid waited
  shift
  local -A pids=()
  for name in "$@"; do
    if pid=$(running "$name"); then
      pids[$name]=$pid
      kill -s TERM "$pid" 2>/dev/null || true
    fi
  done
  waited=$SECONDS
  for name in "$@"; do
    pid=${pids[$name]:-}
    if [[ -n $pid ]]; then
      if until_true $((limit - (SECONDS - waited))) pid_is_gone "$pid"; then
        say "$name stopped"
      else
        stop_pid "$pid" KILL 5
        say "$name did not stop within $limit s and was killed"
      fi
    fi
    rm -f "$run/$name.pid" "$run/$name.start"
  done
}

# stop_everything: the gateway first, so that nothing new is accepted, then what works it off, then the servers.
stop_everything() {
  local name failed=false jobs=()
  stop_all 15 api-gateway
  stop_all 40 scheduler sender dead-letter status-projector
  stop_all 5 mock-provider
  for name in rabbitmq postgresql; do
    if [[ -d $home/$name ]]; then
      ("$scripts/$name" stop "$home/$name" 9>&- && say "$name stopped") &
      jobs+=($!)
    fi
  done
  for name in "${jobs[@]}"; do
    wait "$name" || failed=true
  done
  rm -f "$run"/{rabbitmq,postgresql}.{pid,start}
  [[ $failed == false ]]
}

# run_build LOG ARGUMENTS...: `swift build`. On a terminal SwiftPM draws its own progress; else a sign of life every half minute.
run_build() {
  local log=$1
  shift
  if [[ -t 1 ]]; then
    swift build --package-path "$root" "$@" 9>&- || fail "the build failed"
    return
  fi
  swift build --package-path "$root" "$@" >"$log" 2>&1 </dev/null 9>&- &
  local pid=$! next=$((SECONDS + 30))
  while ! pid_is_gone "$pid"; do
    if ((SECONDS >= next)); then
      say "  $(tail -n 1 "$log" | cut -c 1-100)"
      next=$((SECONDS + 30))
    fi
    sleep 0.5
  done
  if ! wait "$pid"; then
    grep -a 'error:' "$log" | sort -u | head -n 20 >&2 || true
    show_log "$log" 15
    fail "the build failed"
  fi
}
