#!/bin/bash
# npm run soak -- [--minutes 60] [--seed N]: installs what is missing, builds, and lets a Node-RED, two machines with real ZFS and
# their backups live through an hour of mishaps. Exit code 0: nothing lost, nothing left, memory flat, every alert right.
set -euo pipefail
# shellcheck source=scripts/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

need_node
need_packages openssh-client openssl
need_modules
say "building the package"
npm run --silent build
say "preparing the lab"
need_lab
exec node --require tsx/cjs test/soak/main.ts "$@"
