#!/bin/sh
# Builds the images, and publishes them: <registry>/hakim-{base,tooling,<variant>}:{latest,<ref>}.
# With buildah, docker or podman, whichever is there.
set -eu
cd "$(dirname "$0")/.."

usage() {
	cat <<'TEXT'
Usage: scripts/build.sh [OPTIONS]

  --registry REGISTRY      where the images belong (default: ghcr.io/shekohex)
  --variant NAME           only this one; can be repeated (default: all)
  --ref REF                the tag besides latest (default: the commit's day and hash)
  --push                   push what was built
  --registry-http          the registry speaks plain HTTP, or has a certificate of its own
  --base-image IMAGE       the Debian 13 to build on (default: one that mmdebstrap makes on the spot;
                           without mmdebstrap docker.io/library/debian:trixie-slim)
  --no-downloads           leave out what neither Debian nor npm has
  --code-version VERSION   of code-server
  --opencode-version VERSION
  --node-version VERSION
  --print-base             only make and name the Debian to build on
  --set NAME=VALUE         any other line of image/versions.env; can be repeated
  --help

Variables: REGISTRY, RUN_REF, BASE_IMAGE, ENGINE (buildah, podman or docker), CA_FILE (certificates for the build's
downloads; default: this machine's).
TEXT
}
fail() {
	echo "scripts/build.sh: $*" >&2
	exit 1
}
say() { echo "scripts/build.sh: $*" >&2; }

registry=${REGISTRY:-ghcr.io/shekohex} base_image=${BASE_IMAGE:-} ref=${RUN_REF:-} variants='' push='' print_base='' tls=true sets=''
set_version() {
	name=${1%%=*}
	grep -q "^$name=" image/versions.env || fail "$name is not in image/versions.env"
	case $1 in *[!A-Za-z0-9._:/@%+~=-]*) fail "$name: this value has characters that no version and no URL has" ;; esac
	sets="$sets --build-arg $1"
}
while [ "$#" -gt 0 ]; do
	option=$1 value=${2:-}
	case $option in
	--registry | --variant | --ref | --base-image | --code-version | --opencode-version | --node-version | --set)
		[ "$#" -ge 2 ] || fail "$option wants a value"
		shift
		;;
	esac
	case $option in
	--registry) registry=$value ;;
	--variant) variants="$variants $value" ;;
	--ref) ref=$value ;;
	--base-image) base_image=$value ;;
	--push) push=yes ;;
	--print-base) print_base=yes ;;
	--registry-http) tls=false ;;
	--no-downloads) set_version DOWNLOADS=no ;;
	--code-version) set_version "CODE_SERVER_VERSION=$value" ;;
	--opencode-version) set_version "OPENCODE_VERSION=$value" ;;
	--node-version) set_version "NODE_VERSION=$value" ;;
	--set) set_version "$value" ;;
	--help | -h)
		usage
		exit 0
		;;
	--coder-version) fail "--coder-version: no agent is in the images any more; each workspace fetches its server's" ;;
	--chrome-version) fail "--chrome-version: the browser is Debian's Chromium; --set DEBIAN_MIRROR=… names a snapshot" ;;
	--fetch-latest) fail "--fetch-latest: versions are pinned in image/versions.env" ;;
	--cache-repo | --cache-from-registry | --cache-to-registry | --no-registry-cache | --builder)
		fail "$option: layers are cached by the tool that builds; there is nothing to set here" ;;
	*) fail "there is no option $option; --help lists them" ;;
	esac
	shift
done

case $registry in
http://* | https://*) fail "--registry is a host and a path, without http://" ;;
'') fail "--registry is empty" ;;
esac
registry=${registry%/}
scripts/variants --check || fail "run scripts/variants first"
known=$(scripts/variants --list)
for variant in $variants; do
	echo "$known" | grep -qx -- "$variant" || fail "there is no variant $variant; these are: $(echo "$known" | tr '\n' ' ')"
done
[ -n "$variants" ] || variants=$known

engine=${ENGINE:-}
if [ -z "$engine" ]; then
	# A docker without its daemon is none.
	if command -v buildah >/dev/null; then
		engine=buildah
	elif command -v docker >/dev/null && docker info >/dev/null 2>&1; then
		engine=docker
	elif command -v podman >/dev/null; then
		engine=podman
	fi
fi
case $engine in
buildah | podman | docker) ;;
'') fail "there is none of buildah, podman and docker (apt install buildah)" ;;
*) fail "ENGINE is buildah, podman or docker, not $engine" ;;
esac

read_version() { sed -n "s/^$1=//p" image/versions.env; }
epoch=$(read_version SOURCE_DATE_EPOCH)
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
created=$(git log -1 --format=%cd --date=format-local:%Y-%m-%dT%H:%M:%SZ 2>/dev/null || echo 1970-01-01T00:00:00Z)
version=$(sed -n 's/^VERSION := //p' Makefile)
[ -n "$ref" ] || ref=$(TZ=UTC git log -1 --format=%cd-%h --date=format-local:%Y%m%d 2>/dev/null) || fail "outside of git --ref is needed"

# A Debian made on the spot, once: its name has the recipe's hash.
make_base() {
	mirror=$(read_version DEBIAN_MIRROR)
	for word in $sets; do case $word in DEBIAN_MIRROR=*) mirror=${word#*=} ;; esac; done
	recipe=$(printf '%s\n' "$mirror" "$epoch" "$engine" | cat - image/debian/etc/dpkg/dpkg.cfg.d/docker | sha256sum | cut -c1-12)
	base_image=localhost/hakim-debian:trixie-$recipe
	! "$engine" inspect --type image "$base_image" >/dev/null 2>&1 || return 0
	say "making a Debian with mmdebstrap, once"
	scratch=$(mktemp -d)
	trap 'rm -rf "$scratch"' EXIT
	cp image/debian/etc/dpkg/dpkg.cfg.d/docker "$scratch/dpkg.cfg"
	# shellcheck disable=SC2016  # mmdebstrap's own shell expands it
	SOURCE_DATE_EPOCH=$epoch mmdebstrap --quiet --variant=minbase --dpkgopt="$scratch/dpkg.cfg" \
		--customize-hook='rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*.bin "$1"/var/log/* "$1"/var/cache/ldconfig/aux-cache' \
		trixie "$scratch/root.tar" "$mirror"
	case $engine in
	buildah)
		container=$(buildah from scratch)
		buildah add --quiet "$container" "$scratch/root.tar" / >/dev/null
		buildah commit --quiet --timestamp "$epoch" "$container" "$base_image" >/dev/null
		buildah rm "$container" >/dev/null
		;;
	*) "$engine" import "$scratch/root.tar" "$base_image" >/dev/null ;;
	esac
	rm -rf "$scratch"
	trap - EXIT
}
if [ -z "$base_image" ]; then
	if command -v mmdebstrap >/dev/null; then make_base; else base_image=docker.io/library/debian:trixie-slim; fi
fi

[ -z "$print_base" ] || {
	echo "$base_image"
	exit 0
}

# build TARGET IMAGE…
build() {
	target=$1
	shift
	# shellcheck disable=SC2046,SC2086  # words, all checked above
	set -- $(for image in "$@"; do echo "--tag $image"; done) --target "$target" --build-arg "BASE_IMAGE=$base_image" $sets \
		--build-arg "REVISION=$revision" --build-arg "VERSION=$version" --build-arg "CREATED=$created"
	ca=${CA_FILE-/etc/ssl/certs/ca-certificates.crt}
	[ -z "$ca" ] || [ ! -r "$ca" ] || set -- "$@" --secret "id=ca,src=$ca"
	# buildah's default limits are more than root may have in some containers; Debian 12's cannot raise its own.
	limit() {
		have=$(prlimit --raw --noheadings --output HARD "--$1")
		if [ "$have" = unlimited ] || [ "$have" -gt "$2" ]; then have=$2; fi
		echo "--ulimit $1=$have"
	}
	case $engine in
	buildah)
		# shellcheck disable=SC2046  # two words each
		buildah build --isolation chroot $(limit nofile 1048576) $(limit nproc 32768) --layers --format oci \
			--timestamp "$epoch" "$@" .
		;;
	podman) podman build --layers --format oci --timestamp "$epoch" "$@" . ;;
	docker) DOCKER_BUILDKIT=1 docker build --build-arg "SOURCE_DATE_EPOCH=$epoch" "$@" . ;;
	esac
}

for variant in $variants; do
	name=$registry/hakim-$variant
	say "$name:latest and :$ref, with $engine on $base_image"
	build "$variant" "$name:latest" "$name:$ref"
done
[ -n "$push" ] || exit 0
for variant in $variants; do
	for tag in "$ref" latest; do
		image=$registry/hakim-$variant:$tag
		say "pushing $image"
		case $engine in
		docker) docker push "$image" ;;
		*) "$engine" push --quiet --tls-verify="$tls" "$image" "docker://$image" ;;
		esac
	done
done
