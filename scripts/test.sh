#!/bin/bash
# npm test [-- TIER...]: installs what the tiers need, then runs them; all of them without arguments.
# Tiers: types lint unit nodes zfs package e2e zfs21 soak. The last line has the totals: `N passed, N failed`.
set -euo pipefail
# shellcheck source=scripts/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

all=(types lint unit nodes zfs package e2e zfs21 soak)
tiers=("${@:-${all[@]}}")
packages=() lab=0
for tier in "${tiers[@]}"; do
  case $tier in
    types | lint) ;;
    # Login shells and `/bin/sh`s that a far side may have, and what a bare one is made of (test/bare-side/side).
    unit) packages+=(csh tcsh fish zsh mksh yash openssl openssh-client openssh-server sqlite3 netcat-openbsd netcat-traditional ncat busybox socat zstd) ;;
    nodes | zfs) packages+=(mosquitto openssh-client openssh-server netcat-openbsd openssl) lab=1 ;;
    # prometheus: its promtool judges metrics and alert rules (19 MB, and 10 more that it depends on).
    package) packages+=(mosquitto openssh-client openssh-server netcat-openbsd openssl prometheus) lab=1 ;;
    soak) packages+=(openssh-client openssl) lab=1 ;;
    e2e) packages+=(mosquitto openssh-client chromium) lab=1 ;;
    zfs21) packages+=(openssh-client openssh-server netcat-openbsd openssl) ;; # its lab is built while others run
    *) give_up "no such tier: $tier (there are: ${all[*]})" ;;
  esac
done

need_node
[ ${#packages[@]} = 0 ] || need_packages "${packages[@]}"
need_modules
[ $lab = 0 ] || need_lab
exec node --require tsx/cjs scripts/check/run-tiers.ts "${tiers[@]}"
