#!/bin/sh
# Pulls Hakim's images into the templates of Proxmox: `hakim pull`, under the name that the document has.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
built=$here/../../../../build/hakim

if command -v hakim >/dev/null 2>&1; then
	exec hakim pull "$@"
elif [ -x "$built" ]; then
	exec "$built" pull "$@"
fi
echo "pull-oci-templates.sh: there is no hakim here: install the package hakim (make deb, then apt install ./hakim_*.deb)," \
	"or build it (make)" >&2
exit 1
