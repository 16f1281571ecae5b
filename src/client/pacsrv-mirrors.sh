#!/bin/sh
# pacsrv-mirrors URL OUT DAEMON SOCKET TRIED FRONT: a file from the mirrors by curl, as pacman's own downloader would get it.
#
# The front executes this when the daemon is not there, has no luck or is not to be asked. DAEMON is `live` (it is asked
# which mirrors are down, and told of those that seem to be), `busy` (it was silent: it is only asked for the file once
# more where no mirror gave anything) or `none`. TRIED is what a first try of the URL came to (mirror.c): curl's status and
# report. FRONT makes each further try (mirror.c). Its parent is pacman: the front executed it in its own place.
#
# It runs as root, so it goes to the URL that pacman gave and to servers that pacman's own configuration names, nowhere
# else: of what the daemon says only the order counts.
url=$1 out=$2 daemon=$3 socket=$4 tried=$5 front=$6
PATH=${PATH:-/usr/local/bin:/usr/bin:/bin}
export PATH
name=${url##*/}
most_tries=20 most_seconds=60 # pacman asks the next server by itself
last_patience=20 # for the last mirror, in seconds without a byte; stock pacman has 10

case $out in
*/*) folder=${out%/*}/ ;;
*) folder=./ ;;
esac
stem=${out%.part}
[ ${#stem} -lt $((${#folder} + 220)) ] || stem=$folder$(printf '%.200s' "${stem##*/}")
tmp=$stem.$$.part # pacman and pacsrv's own catalogue both pass over *.part
answer_file=$stem.$$.answer.part # what curl came to

# A child in the background and a trap: the shell would otherwise hold a signal back until its child is done. It is waited for,
# since it has a child of its own to end.
child=''
leave() {
	if [ -n "$child" ]; then
		kill "$child" 2>/dev/null
		wait "$child" 2>/dev/null
	fi
	rm -f "$tmp" "$answer_file"
	exit "$1"
}
trap 'leave 130' INT
trap 'leave 143' TERM HUP
run() {
	"$@" &
	child=$!
	wait "$child"
	status=$?
	child=
	return $status
}
finish() {
	mv -f "$tmp" "$out" && exit 0
	leave 1
}
# Text from outside, for the terminal.
say() {
	printf 'pacsrv-xfer: %s: %s\n' "$name" "$1" | tr -c '[:print:]\n' '?' >&2
}

case $url in
file://*) kind=local daemon=none ;;
*)
	case $name in
	*.db | *.db.sig | *.files | *.files.sig) kind=database ;; # never from a peer
	*.sig) kind=signature ;;
	*) kind=package ;;
	esac
	;;
esac
# shellcheck source=src/client/pacsrv-repository.sh
. "${0%/*}/pacsrv-repository"

# What pacman has of a database, so that only a newer one is fetched. Since 7.0, -yy doesn't remove it first. The time of
# what is no database, a hotspot's login page say, tells nothing.
present=''
is_readable() {
	case $1 in
	*.sig) [ "$(od -An -tu1 -N1 "$1")" -ge 128 ] ;; # a packet of OpenPGP
	*) bsdtar -tqf "$1" '*/desc' ;;
	esac >/dev/null 2>&1
}
case $out in
*.db.part | *.db.sig.part | *.files.part | *.files.sig.part)
	present=${out%.part}
	case $folder in
	*/download-??????/)
		present=${folder%/download-??????/}/${present##*/}
		[ ! -s "$present" ] || ask_parent
		;;
	esac
	case $refresh in *yy*) present='' ;; esac
	if [ ! -s "$present" ] || ! is_readable "$present"; then present=''; fi
	;;
esac

# build.js writes it here from mirror/answers.ts: sets $answer by curl's exit status and the server's.
meaning() { answer=broken; }

# One try. Sets $answer, what became of it, and $report, what to say of it. What came the front has said.
get() {
	if [ -n "$tried" ]; then # the front has made this try, and it failed
		status=${tried%%[!0-9]*}
		read_report <<-EOT
			$tried
		EOT
		tried=''
		return "$status"
	fi
	: >"$answer_file"
	run "$front" --mirror "$1" "$tmp" "$answer_file" "$patience" "$present"
	status=$?
	read_report <"$answer_file"
	return $status
}
read_report() {
	code=000 connected=0 report='curl gave up'
	while read -r key code_ _ _ connected_ report_; do
		[ "$key" != pacsrv ] || code=$code_ connected=$connected_ report=$report_
	done
	meaning "$status" "$code"
}

# A database and its signature belong together, so they come from one mirror: where that isn't the one that pacman names,
# the next call is told by a note. pacman 7.0 removes it with its download folder; so does the next call.
case $name in
*.sig) note=$stem.from.part ;;
*) note=$stem.sig.from.part ;;
esac
remember_mirror() {
	case $kind-$name in
	database-*.sig) ;;
	database-*)
		[ ! -e "$note" ] || rm -f "$note"
		[ "$1" = "$url" ] || configures DatabaseNever || printf '%s.sig\n' "$1" >"$note"
		;;
	esac
}

# `got URL`: it was the right answer.
got() {
	rm -f "$answer_file"
	remember_mirror "$1"
	if [ ! -e "$tmp" ]; then # the condition wasn't met
		cp -p "$present" "$tmp" || leave 1
		label=${name%.db}
		if [ -t 1 ]; then echo " ${label%.files} is up to date"; else echo "$name: up to date"; fi
	fi
	finish
}

# Since 7.0 pacman asks for signatures by themselves, and one that is optional and not to be had would cost two seconds.
# In its download folder it drops an empty one silently; one that is required is then still missing to it.
not_needed() {
	case $out in */download-??????/*.sig.part) ;; *) return 1 ;; esac
	case $kind-$name-$answer in
	database-*-absent | database-*-refused | database-*-busy | local-*.db.sig-absent | local-*.files.sig-absent)
		set -- DatabaseOptional
		;;
	*-absent) set -- PackageOptional ;;
	*) return 1 ;;
	esac
	[ -z "$present" ] && configures "$1"
}

# One after another, each URL of a line that wasn't tried; what the first comes to is what is told in the end.
tries=0 all_tried='' first=''
try() {
	while IFS= read -r mirror; do
		case "$all_tried
" in *"
$mirror
"*) continue ;; esac
		[ -n "$mirror" ] || continue
		[ $tries -lt $most_tries ] || return 0
		{ read -r now _ </proc/uptime; } 2>/dev/null || now=0
		[ $((${now%.*} - ${begun:-${now%.*}})) -lt $most_seconds ] || return 0
		begun=${begun:-${now%.*}} tries=$((tries + 1)) all_tried="$all_tried
$mirror"
		get "$mirror" && got "$mirror"
		rm -f "$tmp"
		[ -n "$first" ] || first=$status first_report=$report
		case $answer in
		ours) out_of_room ;;
		absent) answered=yes ;;
		unreachable | busy)
			[ "$daemon" != live ] || printf '%s' "$mirror" | curl -q -sf --unix-socket "$socket" --max-time 0.5 -X POST \
				-G --data-urlencode url@- http://localhost/v1/mirror-failed
			case $status-$connected in 28-*[1-9]*) slow=${slow:-$mirror} ;; esac
			;;
		esac
		if not_needed; then
			: >"$tmp"
			rm -f "$answer_file"
			finish
		fi
	done <<-EOT
		$1
	EOT
}
# No mirror can help.
out_of_room() {
	[ "$status" = 23 ] || return 0
	report="$folder can't be written"
	# What was written is removed, so what is free now tells little; a full file system may take no new file either.
	free=$(df -Pk "$folder" 2>/dev/null | awk 'NR == 2 { print $4 }')
	if [ "${free:-1024}" -lt 1024 ] || (: >"$tmp") 2>/dev/null; then
		report="no room is left in $folder: make some, for example with paccache -r"
	fi
	say "$report"
	leave 1
}

order='' answered='' slow='' patience=10 # seconds without a byte, as pacman's own downloader has them
case $kind-$name in
database-*.sig)
	from=$url
	if [ -e "$note" ]; then
		IFS= read -r from <"$note"
		rm -f "$note"
	fi
	try "$from"
	;;
*)
	# Of a mirror that is reached by a caller's proxy the daemon knows nothing.
	[ "$daemon-${http_proxy-}${https_proxy-}${HTTPS_PROXY-}${all_proxy-}${ALL_PROXY-}" != live- ] ||
		order=$(printf '%s' "$url" | curl -q -sf --unix-socket "$socket" --max-time 0.5 --limit-rate 100K -G \
			--data-urlencode url@- http://localhost/v1/mirrors)
	# Where there is no other mirror, the daemon has waited for this one already.
	[ "$kind-$order" != "package-$url" ] || patience=$last_patience
	case $order in '' | "$url" | "$url
"*) try "$url" ;; esac
	try "$(others)"
	;;
esac

# A daemon that was too busy to answer may have the file by now, where the mirrors gave nothing: it is asked as a
# CacheServer, and gives only what is whole and checked.
if [ "$kind-$daemon-$answered" = package-busy- ]; then
	path=${url#*://}
	run curl -q -sfg --unix-socket "$socket" --speed-limit 1 --speed-time 10 -o "$tmp" \
		--url "http://localhost/${path#*/}" && echo "$name: from the daemon" && rm -f "$answer_file" && finish
	rm -f "$tmp"
fi

# A mirror that took the call and was too slow, behind a crowded line say: curl as XferCommand would still be waiting, and
# so would pacman's own downloader where it is told to.
if [ -n "$slow" ] && { [ $kind-$patience = package-10 ] || configures DisableDownloadTimeout; }; then
	patience=$last_patience
	! configures DisableDownloadTimeout || patience=86400
	get "$slow" && got "$slow"
	rm -f "$tmp"
fi

# Where no mirror has said that there is none, a peer's signature is better than none: pacman verifies it.
case $daemon-$kind-$answered in
live-signature-)
	run curl -q -sf --unix-socket "$socket" --max-time 8 -o "$tmp" -G --data-urlencode "url=$url" \
		http://localhost/v1/signature && rm -f "$answer_file" && finish
	;;
esac
say "$first_report"
leave "${first:-1}"
