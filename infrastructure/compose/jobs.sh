#!/usr/bin/env bash
# Runs the product's jobs one after the other, for ever: CDRs → calls and sessions → KPI points → (once a day) baselines → anomalies → alerts
# → the service desk's own work → messages fetched, filed and sent.
# A job that fails is told to standard error and tried again in the next round; the jobs keep their own checkpoints in
# Elasticsearch, so that a round left out or done twice changes nothing. After a round in which every job succeeded the
# heartbeat file is touched: the container's health check looks at its age.
set -uo pipefail

every=${JOBS_EVERY_SEC:?"seconds between two rounds"}
train_every=${TRAIN_EVERY_SEC:?"seconds between two trainings"}
heartbeat=${JOBS_HEARTBEAT:-/tmp/heartbeat}
rounds=${JOBS_ROUNDS:-0} # 0: for ever
trained=0
done_rounds=0
trap 'exit 0' TERM INT

say() { echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) $*" >&2; }

job() {
  busyhour "$@" && return
  local code=$?
  say "busyhour $* ended with $code; tried again in the next round"
  return "$code"
}

while :; do
  well=yes
  job correlate || well=no
  job rollup || well=no
  now=$(date +%s)
  if ((now - trained >= train_every)); then
    if job train; then trained=$now; else well=no; fi
  fi
  job detect || well=no
  job alert || well=no
  job desk run || well=no
  job channel run || well=no
  job desk backlog || well=no
  if [ "$well" = yes ]; then touch "$heartbeat"; fi
  done_rounds=$((done_rounds + 1))
  if ((rounds > 0 && done_rounds >= rounds)); then break; fi
  sleep "$every" & # in the background, so that a stop signal is heard at once
  wait $!
done
[ "$well" = yes ]
