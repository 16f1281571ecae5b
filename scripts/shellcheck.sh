#!/bin/sh
# Runs shellcheck over every shell script that git knows of.
set -eu
if ! command -v shellcheck >/dev/null; then
	echo "skipped: the shell scripts, for want of shellcheck" >&2
	exit 0
fi
# Only a first line counts: other files speak of shells too.
git ls-files | while IFS= read -r path; do
	[ -f "$path" ] || continue
	read -r first <"$path" || continue
	case $first in '#!/bin/sh' | '#!/bin/bash' | '#!/usr/bin/env bash') printf '%s\0' "$path" ;; esac
done | xargs -0 shellcheck -x
# makepkg and pacman set some of its variables, reads the others, and ends at the first command that fails.
shellcheck --shell=bash --exclude=SC2034,SC2115,SC2154,SC2164 PKGBUILD
shellcheck --shell=sh pacsrv.install
