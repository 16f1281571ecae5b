#!/bin/sh
# What pacman's command line and configuration say of $url, for pacsrv-mirrors, into which build-scripts.ts puts this. It
# sets $url, $name (its file's) and $order (what the daemon says of mirrors).
# shellcheck disable=SC2154

# From pacman's command line: how often it says y, and its --config.
refresh='' pacman_conf=''
# In a pid namespace of pacman's own, as pacstrap makes one, /proc may be that of outside: then its numbers are too.
{ read -r _ _ _ parent _ </proc/self/stat; } 2>/dev/null || parent=$PPID
ask_parent() {
	last=''
	while IFS= read -r word; do
		[ "$last" != --config ] || pacman_conf=$word
		case $word in
		--config=*) pacman_conf=${word#*=} ;;
		--refresh) refresh=${refresh}y ;;
		--* | -*[!A-Za-z]*) ;;
		-*y*y*) refresh=yy ;;
		-*y*) refresh=${refresh}y ;;
		esac
		last=$word
	done <<-EOT
		$(tr '\0' '\n' <"/proc/$parent/cmdline" 2>/dev/null)
	EOT
}

# pacman's own configuration: the repository that $url is of. DisableDownloadTimeout, if it is said; a word for each of its
# SigLevel; then this file at its other servers, if $url is of the first: pacman asks the second only when this call has
# failed with them all.
repository='' asked_repository=''
ask_repository() {
	[ -z "$asked_repository" ] || return 0
	asked_repository=yes
	ask_parent
	case $pacman_conf in
	'') set -- pacman-conf ;;
	/*) set -- pacman-conf --config "$pacman_conf" ;;
	*) return 0 ;; # relative, and pacman has changed folder since
	esac
	repository=$("$@" 2>/dev/null | BASE=${url%/*} NAME=$name awk '
		/^\[/ { section = $0 }
		$1 == "DisableDownloadTimeout" { print }
		$1 == "SigLevel" { level[section] = level[section] "\n" $3 }
		$1 == "Server" {
			sub(/^Server = /, "")
			sub(/\/+$/, "")
			if ($0 != ENVIRON["BASE"]) others[section] = others[section] "\n" $0 "/" ENVIRON["NAME"]
			else if (!found) { found = section; isFirst = !(section in others) }
		}
		END {
			if (!found) exit
			print (found in level ? level[found] : level["[options]"]) (isFirst ? others[found] : "")
		}')
}
configures() {
	ask_repository
	case "
$repository
" in
	*"
$1
"*) ;;
	*) return 1 ;;
	esac
}
# This file's URLs but those tried already, in pacman's order, or with those that the daemon names in its own.
others() {
	ask_repository
	OWN="$url
$repository" ORDER=$order awk 'BEGIN {
		count = split(ENVIRON["OWN"], own, "\n")
		for (i = 1; i <= count; i++) if (own[i] ~ /:\/\//) named[own[i]] = 1
		first = split(ENVIRON["ORDER"], ordered, "\n")
		for (i = 1; i <= count; i++) ordered[first + i] = own[i]
		for (i = 1; i <= first + count; i++) if (ordered[i] in named && !said[ordered[i]]++) print ordered[i]
	}'
}
