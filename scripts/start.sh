#!/bin/bash
# npm start: installs what is missing, builds, and opens a Node-RED whose example flows are wired to two machines with
# real ZFS. PORT (default 1880) is Node-RED's port on 127.0.0.1. Ctrl-C ends everything and leaves nothing behind.
set -euo pipefail
# shellcheck source=scripts/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

need_node
need_packages mosquitto openssh-client
need_modules
say "building the package"
npm run --silent build
say "preparing the lab"
need_lab
exec node --require tsx/cjs scripts/demo/start.ts
