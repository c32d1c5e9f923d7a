# shellcheck shell=bash
# What test.sh and start.sh need on a fresh Debian 12: sourced, it installs what is missing and says so. It looks
# first and installs second, so that on a machine that has everything it costs a second and needs no network.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 1

# With the seconds that have passed.
say() { printf '\033[1m== %s\033[0m (%d s)\n' "$*" "$SECONDS"; }
give_up() { printf '%s\n' "$*" >&2; exit 1; }

need_node() {
  command -v node >/dev/null || give_up "Node.js is missing: install Node 20.19 or newer (nodejs.org or NodeSource)."
  node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
    give_up "Node $(node -v) is too old: 20.19 or newer is needed."
}

# PACKAGE...: Debian packages, those that are missing.
need_packages() {
  local package missing=() policy=/usr/sbin/policy-rc.d
  command -v dpkg-query >/dev/null || give_up "This host has no Debian packages; needed here: $*"
  for package in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  [ "$(id -u)" = 0 ] || give_up "Debian packages are missing, and installing them takes root: ${missing[*]}"
  say "installing ${#missing[@]} Debian packages, about a second each: ${missing[*]}"
  # A freshly installed broker shall not start as a service of this machine.
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
  else
    policy=
  fi
  local code=0 install=(apt-get -o DPkg::Lock::Timeout=300 install -qy --no-install-recommends "${missing[@]}")
  export DEBIAN_FRONTEND=noninteractive
  # The lists that are here may do; when they do not, they are too old or missing.
  "${install[@]}" >/dev/null 2>&1 || { apt-get update -q >/dev/null && "${install[@]}" >/dev/null; } || code=$?
  [ -z "$policy" ] || rm -f "$policy"
  [ "$code" = 0 ] || give_up "apt-get could not install: ${missing[*]}"
}

# Whether node_modules holds the versions of package-lock.json; optional packages (other platforms) may be absent.
modules_current() {
  node -e '
    const packages = (file) => JSON.parse(require("fs").readFileSync(file, "utf8")).packages;
    const installed = packages("node_modules/.package-lock.json");
    const current = Object.entries(packages("package-lock.json")).every(([where, { version, optional }]) => {
      const here = installed[where];
      return where === "" || (here === undefined ? optional === true : here.version === version);
    });
    process.exit(current ? 0 : 1);
  ' 2>/dev/null
}

# node_modules as package-lock.json has it.
need_modules() {
  if ! modules_current; then
    say "installing npm packages, about half a minute"
    npm ci --no-audit --no-fund || give_up "npm ci failed"
  fi
}

# Starts building the lab in the background, where it is not there, after all Debian packages that it takes, these among
# them: nothing else takes so long. need_lab waits for it.
begin_lab() {
  local build=(test/lab/zfs-lab-build --flavour "${ZFS_LAB_FLAVOUR:-newest}")
  if "${build[@]}" --check; then
    need_packages "$@"
    return
  fi
  say "the first time this takes about 5 minutes on 2 cores, most of it to compile Linux and OpenZFS; later it takes seconds"
  # shellcheck disable=SC2046  # a list of packages
  need_packages "$@" $("${build[@]}" --print-packages)
  lab_log=$(mktemp)
  "${build[@]}" --quiet >"$lab_log" 2>&1 &
  lab_pid=$!
  trap 'kill "$lab_pid" 2>/dev/null; rm -f "$lab_log"' EXIT
}

# The kernel and root tree of the lab's machines; several minutes the first time.
need_lab() {
  need_packages iproute2 util-linux openssh-client socat
  if [ -n "${lab_pid:-}" ]; then
    # What keeps the lab from running here is said before anybody waits for it.
    node --require tsx/cjs scripts/check/prepare-lab.ts --problems || exit 1
    tail -n +1 -f -s 0.2 --pid="$lab_pid" "$lab_log" &
    local code=0 tail_pid=$!
    wait "$lab_pid" || code=$?
    wait "$tail_pid" || :
    trap - EXIT
    rm -f "$lab_log"
    [ "$code" = 0 ] || give_up "the lab could not be built"
  fi
  node --require tsx/cjs scripts/check/prepare-lab.ts || exit 1
}
