#!/bin/sh
# scripts/smoke.sh IMAGE VARIANT: runs the smoke test of a variant, and of what it is built on, in an image that is here.
set -eu
cd "$(dirname "$0")/.."
if [ "$#" != 2 ] || ! [ -f "image/variants/$2/smoke.sh" ]; then
	echo "usage: scripts/smoke.sh IMAGE VARIANT" >&2
	exit 2
fi
image=$1 variant=$2 engine=${ENGINE:-}
if [ -z "$engine" ]; then
	for engine in buildah podman docker; do ! command -v "$engine" >/dev/null || break; done
fi
container=''
# shellcheck disable=SC2317,SC2329  # the trap calls it
clean() {
	rm -rf "$kit"
	[ -z "$container" ] || buildah rm "$container" >/dev/null
}
kit=$(mktemp -d)
trap clean EXIT
chmod 755 "$kit"
cp image/smoke.sh "$kit/kit.sh"
chain=''
while [ "$variant" != system ]; do
	chain="$variant $chain"
	cp "image/variants/$variant/smoke.sh" "$kit/$variant.sh"
	variant=$(sed -n 's/^FROM=//p' "image/variants/$variant/variant.env")
done
# As in build.sh.
limit() {
	have=$(prlimit --raw --noheadings --output HARD "--$1")
	if [ "$have" = unlimited ] || [ "$have" -gt "$2" ]; then have=$2; fi
	echo "--ulimit $1=$have"
}
# shellcheck disable=SC2046  # two words each
[ "$engine" != buildah ] || container=$(buildah from --pull-never $(limit nofile 1048576) $(limit nproc 32768) "$image")
for one in $chain; do
	echo "smoke: $one in $image"
	case $engine in
	# Its chroot has no /dev/shm and no network of its own; neither is needed.
	buildah) buildah run --isolation chroot --user coder --env HOME=/home/coder --volume "$kit:/smoke:ro" "$container" -- sh "/smoke/$one.sh" ;;
	*) "$engine" run --rm --network none --user coder --env HOME=/home/coder --volume "$kit:/smoke:ro" --entrypoint sh "$image" "/smoke/$one.sh" ;;
	esac
done
echo "smoke: $2 is all right"
