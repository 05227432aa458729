#!/usr/bin/env bash
# scripts/with_postgres.sh COMMAND...: runs a command beside a PostgreSQL of its own, and ends with its exit status.
#
# The server listens on a free port of loopback, keeps its data in a temporary folder, and is removed afterwards. The
# command finds it as CA_ETL_TEST_POSTGRES (a URL for SQLAlchemy, of a role that may create databases) and, for psql,
# by the PG* variables. It is Debian's package `postgresql` that is used, or whatever `pg_config` names.
set -euo pipefail

if [ $# = 0 ]; then
  echo "usage: $0 COMMAND..." >&2
  exit 2
fi

find_bin() {
  local newest
  newest=$(printf '%s\n' /usr/lib/postgresql/*/bin/postgres | sort -V | tail -n 1)
  if [ -x "$newest" ]; then
    dirname "$newest"
  elif command -v pg_config >/dev/null && [ -x "$(pg_config --bindir)/postgres" ]; then
    pg_config --bindir
  else
    echo "$0: no PostgreSQL here; next: apt-get install postgresql" >&2
    return 1
  fi
}

bin=$(find_bin)
folder=$(mktemp -d "${TMPDIR:-/tmp}/ca_etl_postgres.XXXXXX")

password=$(head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n')
(umask 077 && printf '%s\n' "$password" >"$folder/password")

# PostgreSQL refuses to run as root; setpriv becomes what it starts, so that no process is in between.
as_owner=()
if [ "$(id -u)" = 0 ]; then
  owner=postgres
  id "$owner" >/dev/null 2>&1 || owner=nobody
  chown -R "$owner" "$folder"
  as_owner=(setpriv "--reuid=$owner" "--regid=$(id -g "$owner")" --clear-groups --)
fi

server=
# shellcheck disable=SC2329  # called by the trap
stop() {
  if [ -n "$server" ]; then
    # SIGQUIT ends it at once: these data are not read again.
    kill -QUIT "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  rm -rf "$folder"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# The owner may have no right to the current folder.
(
  cd "$folder"
  "${as_owner[@]}" "$bin/initdb" -D "$folder/data" -U prefect -A scram-sha-256 --pwfile="$folder/password" \
    --locale=C.UTF-8 --encoding=UTF8 --no-sync >"$folder/initdb.log"
) || { cat "$folder/initdb.log" >&2; exit 1; }

port=$(free_port)
cd_and_serve() {
  cd "$folder"
  # A session of its own, so that Ctrl-C is for the command. The data last as long as that: no power cut matters.
  exec setsid "${as_owner[@]}" "$bin/postgres" -D "$folder/data" -p "$port" \
    -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c shared_buffers=64MB -c max_connections=200 \
    -c fsync=off -c synchronous_commit=off -c full_page_writes=off
}
cd_and_serve </dev/null >"$folder/server.log" 2>&1 &
server=$!

export PGHOST=127.0.0.1 PGPORT=$port PGUSER=prefect PGPASSWORD=$password PGDATABASE=prefect
waited=0
until "$bin/pg_isready" --quiet; do
  waited=$((waited + 1))
  if [ "$waited" -gt 600 ] || ! kill -0 "$server" 2>/dev/null; then
    cat "$folder/server.log" >&2
    exit 1
  fi
  sleep 0.1
done
"$bin/createdb" prefect
export CA_ETL_TEST_POSTGRES="postgresql+asyncpg://prefect:$password@127.0.0.1:$port/prefect"

status=0
"$@" || status=$?
exit "$status"
