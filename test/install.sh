#!/bin/sh
# Installs what the tests need beyond Node: real pacman, namespaces, servers to test against. Needs root and apt;
# anywhere else the tests that lack something are skipped by name.
set -eu
[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || exit 0
want='gcc libc6-dev pacman-package-manager makepkg libarchive-tools fakeroot zstd curl iproute2 nftables opentracker avahi-daemon prometheus chromium fonts-dejavu-core debootstrap util-linux python3-minimal procps faketime systemd openssl groff-base mandoc shellcheck zsh fish'
missing=
for name in $want; do
	# A package that was removed is still known, with its configuration.
	[ "$(dpkg-query -Wf '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || missing="$missing $name"
done
[ -n "$missing" ] || exit 0
export DEBIAN_FRONTEND=noninteractive
# Some of them are services, which the tests run in namespaces of their own: here none is to be started.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
	trap 'rm -f $policy' EXIT
	printf '#!/bin/sh\nexit 101\n' >$policy
	chmod 755 $policy
fi
apt-get update -qq
# shellcheck disable=SC2086 # names apart by blanks
apt-get install -y -qq --no-install-recommends $missing >/dev/null
