#!/bin/bash
# npm start: installs what is missing, builds, and opens a Node-RED whose example flows are wired to two machines with
# real ZFS. The first time it compiles the lab meanwhile, which takes longest. PORT (default 1880) is Node-RED's port on 127.0.0.1. Ctrl-C ends everything and leaves nothing behind.
set -euo pipefail
# shellcheck source=scripts/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

need_node
begin_lab mosquitto openssh-client
need_modules
# Whatever is built from; a folder is newer too when something went from it.
from=(src nodes types scripts/build package.json package-lock.json tsconfig*.json)
if [ ! -d resources ] || [ -n "$(find "${from[@]}" -newer dist/nodes -print -quit 2>&1)" ]; then
  say "building the package, some seconds"
  npm run --silent build
fi
say "preparing the lab"
need_lab
say "starting two machines, a broker and Node-RED, some seconds"
exec node --require tsx/cjs scripts/demo/start.ts
