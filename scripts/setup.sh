# shellcheck shell=bash
# What scripts/demo and scripts/test share: Python, the virtual environment, Debian packages.
# Source it after `set -euo pipefail`. Progress goes to stderr, so that stdout stays the program's own.

checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=$checkout/.venv
stamp=$venv/tongzhan-setup
log=$venv/tongzhan-setup.log
unset PYTHONDONTWRITEBYTECODE # a run starts hundreds of processes, and each would compile every module again

say() { printf 'tongzhan: %s\n' "$*" >&2; }

fail() { # prints the error, then one line for each way to go on
  printf 'error: %s\n' "$1" >&2
  shift
  [ $# -eq 0 ] || printf '  %s\n' "$@" >&2
  exit 1
}

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() { # prints a Python new enough, or says how to get one
  local candidate
  for candidate in ${TONGZHAN_PYTHON:+"$TONGZHAN_PYTHON"} python3 python3.13 python3.12 python3.11; do
    if new_enough "$candidate"; then
      command -v "$candidate"
      return
    fi
  done
  fail 'no Python 3.11 or newer was found' \
    'Debian 12, Raspberry Pi OS, Ubuntu 24.04: sudo apt-get install python3 python3-venv' \
    'Python elsewhere: TONGZHAN_PYTHON=/path/to/python3.12 and the same command again'
}

# --- Debian packages -------------------------------------------------------------------------------

as_root() { # runs a command as root, without ever asking for a password
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

may_install() {
  [ -z "${TONGZHAN_NO_APT:-}" ] && command -v apt-get >/dev/null && as_root true 2>/dev/null
}

installed() { dpkg-query -W -f='${db:Status-Abbrev}' "$1" 2>/dev/null | grep -q '^ii'; }

apt_install() { # installs Debian packages; 1 where that may not or cannot be done
  may_install || return 1
  say "installing from Debian: $*"
  local attempt
  for attempt in as-is after-update; do
    [ "$attempt" = as-is ] || as_root apt-get -q update 2>&1 | apt_progress || true
    as_root env DEBIAN_FRONTEND=noninteractive \
      apt-get -q -y --no-install-recommends install "$@" 2>&1 | apt_progress && return 0
  done
  return 1
}

apt_progress() { # shortens apt's lines to what moves, on stderr
  sed -u -n -E 's/^Get:[0-9]+ [^ ]+ [^ ]+ [^ ]+ ([^ ]+) .*(\[[^]]+\])$/  fetching \1 \2/p
    s/^Need to get (.*) of archives.*/  \1 to fetch/p
    s/^(E: .*)/  \1/p' >&2
}

apt_fetch() { # downloads one Debian package into a folder; needs no root, nor lists fetched before
  local package=$1 folder=$2
  command -v apt-get >/dev/null && command -v dpkg >/dev/null || return 1
  mkdir -p "$folder/lists/partial" "$folder/cache/archives/partial"
  local own=(-o "Dir::State::Lists=$folder/lists" -o "Dir::Cache=$folder/cache" -o APT::Sandbox::User=root)
  (
    cd "$folder" || exit
    apt-get -q -o APT::Sandbox::User=root download "$package" 2>/dev/null && exit
    say 'fetching the lists of Debian packages (about 10 MB)'
    apt-get -q "${own[@]}" update 2>&1 | apt_progress
    apt-get -q "${own[@]}" download "$package" 2>&1 | apt_progress
  ) >/dev/null
}

# --- the virtual environment -----------------------------------------------------------------------

fingerprint() { # changes with what is to be installed, and where
  { printf '%s\n' "$checkout"; cat "$checkout/pyproject.toml" "$checkout/constraints.txt"; } | sha256sum | cut -c1-64
}

ready() { # whether the environment already holds these extras, as last written down
  local sum have wanted
  [ -x "$venv/bin/python" ] && [ -f "$stamp" ] || return 1
  read -r sum have <"$stamp"
  [ "$sum" = "$(fingerprint)" ] || return 1
  for wanted in ${1//,/ }; do
    [[ ",$have," == *",$wanted,"* ]] || return 1
  done
  "$venv/bin/python" -c '' 2>/dev/null
}

set_up() { # brings .venv to hold the project with the named extras, such as "demo,dev"
  ready "$1" && return
  local python
  python=$(find_python) || exit
  (
    flock 9 # a second start waits for the first
    ready "$1" && exit
    make_venv "$python"
    install_project "$1"
  ) 9<"$checkout" || exit
}

usable_venv() { # not one whose Python went away, nor one that moved here with its folder
  new_enough "$venv/bin/python" && grep -qsF "$venv/" "$venv/bin/pip"
}

make_venv() {
  usable_venv && return
  say "making a virtual environment in .venv with $("$1" -V)"
  "$1" -m venv --clear "$venv" >/dev/null 2>&1 && return
  say "this Python has no working venv module"
  if apt_install python3-venv && "$1" -m venv --clear "$venv" >/dev/null; then return; fi
  "$1" -m venv --clear --without-pip "$venv" 2>/dev/null && borrow_pip && return
  rm -rf "$venv"
  fail 'no virtual environment could be made' 'run: sudo apt-get install python3-venv' 'then the same command again'
}

borrow_pip() { # puts pip into .venv from Debian's package of pip's wheel, which needs no root
  local folder wheel
  folder=$(mktemp -d) || return
  if apt_fetch python3-pip-whl "$folder"; then
    dpkg -x "$folder"/python3-pip-whl_*.deb "$folder/root"
    for wheel in "$folder"/root/usr/share/python-wheels/pip-*.whl; do
      "$venv/bin/python" "$wheel/pip" install -q --no-index "$wheel" >&2
    done
  fi
  rm -rf "$folder"
  "$venv/bin/python" -m pip --version >/dev/null 2>&1
}

install_project() {
  local offline=()
  [ -z "${TONGZHAN_WHEELS:-}" ] || offline=(--no-index --find-links "$TONGZHAN_WHEELS")
  say "installing tongzhan[$1] into .venv (the first time takes minutes)"
  if ! "$venv/bin/python" -m pip --disable-pip-version-check install --progress-bar off "${offline[@]}" \
    -c "$checkout/constraints.txt" -e "${checkout}[$1]" 2>&1 | tee "$log" | pip_progress; then
    failed_install "$1"
  fi
  printf '%s %s\n' "$(fingerprint)" "$1" >"$stamp"
}

pip_progress() { # shortens pip's lines to what moves, on stderr
  sed -u -n -E 's/^ *Downloading (.*\/)?([^-/ ]+-[^- ]+)[^ ]* \(([^)]*)\).*/  fetching \2 (\3)/p
    s/^ *Building .*for ([^ ]+).*started/  building \1/p
    s/^Installing collected packages.*/  unpacking/p
    s/^ *WARNING: Retrying.*/  the connection broke, trying again/p' >&2
}

failed_install() { # says which package, why, and three ways to go on
  local package reason
  package=$(sed -n -E 's/^ *ERROR: No matching distribution found for ([^ ]+).*/\1/p; s/^ *Collecting ([^ ]+).*/\1/p' "$log" | tail -n 1)
  reason=$(sed -n -E 's/^ *ERROR: (.*)/\1/p' "$log" | head -n 1 | cut -c1-200)
  ! grep -q 'WARNING: Retrying' "$log" || reason="the connection failed; ${reason:-}"
  fail "installing tongzhan[$1] stopped at ${package:-its first step}: ${reason:-see the log}" \
    "the whole log: $log" \
    'the network was away: run the same command again, it goes on where it stopped' \
    'behind a proxy: HTTPS_PROXY=http://HOST:PORT and the same command again' \
    "no network at all: on a machine of the same kind that has one, pip wheel -w FOLDER -c constraints.txt '.[$1]' setuptools;" \
    '  bring FOLDER here, then TONGZHAN_WHEELS=FOLDER and the same command again'
}
