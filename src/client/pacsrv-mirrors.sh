#!/bin/sh
# pacsrv-mirrors URL OUT [DAEMON SOCKET [TRIED]]: a file from the mirrors by curl, as pacman's own downloader would get it.
#
# The front executes this when the daemon is not there, has no luck or is not to be asked. DAEMON is `live` (it is asked
# which mirrors it knows to be dead, and told which failed), `busy` (it was silent: it is only asked for the file once more where no
# mirror gave anything) or `none`. TRIED is what a first try of the URL came to (mirror.c): curl's status and report. Its
# parent is pacman: the front executed it in its own place.
url=$1 out=$2 daemon=${3:-none} socket=$4 tried=$5 base=''
PATH=${PATH:-/usr/local/bin:/usr/bin:/bin}
export PATH
name=${url##*/}
case $out in
*/*) folder=${out%/*}/ ;;
*) folder=./ ;;
esac
[ ${#name} -gt 200 ] || base=$name
base=${base:-pacsrv} # a name may have 255 bytes (NAME_MAX)
tmp=$folder$base.$$.part # pacman and pacsrv's own catalogue both pass over *.part
answer=$folder$base.$$.answer.part # the heads that curl was sent, and its report

# A child in the background and a trap: the shell would otherwise hold a signal back until its child is done. Its
# standard input goes by 3: what runs in the background gets /dev/null for 0.
exec 3<&0
child='' watcher=''
leave() {
	# shellcheck disable=SC2086 # one or the other may be empty
	[ -z "$child$watcher" ] || kill $child $watcher 2>/dev/null
	rm -f "$tmp" "$answer"
	exit "$1"
}
trap 'leave 130' INT
trap 'leave 143' TERM HUP
run() {
	"$@" <&3 3<&- &
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

case $name in
*.pkg.tar*) label=${name%.pkg.tar*} ;;
*.db) label=${name%.db} ;;
*.files) label=${name%.files} ;;
*) label=$name ;;
esac

# From pacman's command line: how often it says y, and its --config.
refresh='' pacman_conf=''
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
	done <<-EOF
		$(tr '\0' '\n' <"/proc/$PPID/cmdline" 2>/dev/null)
	EOF
}

# What pacman has of a database, so that only a newer one is fetched. Since 7.0, -yy doesn't remove it first.
present=''
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
	[ -s "$present" ] || present=''
	# A page of a captive portal, say, is no reason to ask only for what is newer: gzip, zstd, xz, bzip2, lz4.
	[ -z "$present" ] || case ${present##*.}-$(od -An -tx1 -N4 "$present") in
	sig-' 3c '*) present='' ;;
	sig-* | *-' 1f 8b '* | *-' 28 b5 2f fd' | *-' fd 37 7a 58' | *-' 42 5a 68 '* | *-' 04 22 4d 18') ;;
	*) present='' ;;
	esac
	;;
esac

# One try, as pacman's own downloader would: its time-outs, its agent, the server's time kept. Sets $code, the answer's
# status, and $report. The URL is no argument: it may carry a password.
get() {
	if [ -n "$tried" ]; then # the front has made this try, and it failed
		status=${tried%%[!0-9]*}
		read_report <<-EOF
			$tried
		EOF
		tried=''
		return "$status"
	fi
	quoted=$1
	case $1 in *[\"\\]*) quoted=$(printf '%s' "$1" | sed 's/["\\]/\\&/g') ;; esac
	set -- -sfLgR --connect-timeout 10 --speed-limit 1 --speed-time "$patience" -K - -o "$tmp" \
		-w '\npacsrv %{http_code} %{size_download} %{time_total} %{time_connect} %{errormsg}\n'
	[ -z "$HTTP_USER_AGENT" ] || set -- -A "$HTTP_USER_AGENT" "$@"
	[ -z "$present" ] || set -- -z "$present" "$@"
	: >"$answer"
	if [ -n "$columns" ]; then
		watch 3<&- &
		watcher=$!
		set -- -D - "$@"
	fi
	run curl "$@" >"$answer" 3<<-EOF
		url = "$quoted"
	EOF
	status=$?
	if [ -n "$watcher" ]; then
		kill "$watcher" 2>/dev/null
		wait "$watcher" 2>/dev/null
		watcher=
	fi
	read_report <"$answer"
	return $status
}
read_report() {
	code=000 bytes=0 seconds=0 connected=0 report='curl gave up'
	while read -r key code_ bytes_ seconds_ connected_ report_; do
		[ "$key" != pacsrv ] || code=$code_ bytes=$bytes_ seconds=$seconds_ connected=$connected_ report=$report_
	done
	[ "$status" != 23 ] || report="can't write to $folder: is its disk full?"
}

got() {
	rm -f "$answer"
	if [ ! -e "$tmp" ]; then # the condition wasn't met
		cp -p "$present" "$tmp" || leave 1
		if [ -n "$columns" ]; then echo " $label is up to date"; else echo "$name: up to date"; fi
	elif [ -z "$columns" ]; then
		echo "$name: $bytes bytes from the mirror"
	elif [ "${name%.sig}" = "$name" ]; then
		seconds=${seconds%???}
		milliseconds=${seconds%.*}${seconds#*.}
		while [ "${milliseconds#0?}" != "$milliseconds" ]; do milliseconds=${milliseconds#0}; done
		progress "$bytes" "$bytes" "$milliseconds" && echo
	fi
	finish
}

# The repository that $url is of: a word for each of its SigLevel, then its other servers, if $url is of the first:
# pacman asks the second only when this call has failed with them all.
repository() {
	ask_parent
	case $pacman_conf in
	'') set -- pacman-conf ;;
	/*) set -- pacman-conf --config "$pacman_conf" ;;
	*) return 1 ;; # relative, and pacman has changed folder since
	esac
	"$@" 2>/dev/null | BASE=${url%/*} awk '
		/^\[/ { section = $0 }
		$1 == "SigLevel" { level[section] = level[section] "\n" $3 }
		$1 == "Server" {
			sub(/^Server = /, "")
			sub(/\/+$/, "")
			if ($0 != ENVIRON["BASE"]) others[section] = others[section] "\n" $0
			else if (!found) { found = section; isFirst = !(section in others) }
		}
		END {
			if (!found) exit
			print (found in level ? level[found] : level["[options]"]) (isFirst ? others[found] : "")
		}'
}

# Since 7.0 pacman asks for signatures by themselves, and one that is optional and not there would cost two seconds.
# In its download folder it drops an empty one silently; one that is required is then still missing to it.
not_needed() {
	case $kind-$status-$code in
	*-37-* | *-404 | *-410 | *-550) ;;
	*) return 1 ;;
	esac
	case $out in
	*/download-??????/*.db.sig.part | */download-??????/*.files.sig.part) set -- DatabaseOptional ;;
	*/download-??????/*.sig.part) set -- PackageOptional ;;
	*) return 1 ;;
	esac
	[ -z "$present" ] || return 1
	case "
$(repository)
" in
	*"
$1
"*) ;;
	*) return 1 ;;
	esac
}

# Each URL of a line; the status of the first that fails is told in the end.
try() {
	while IFS= read -r mirror; do
		[ -n "$mirror" ] || continue
		get "$mirror" && got
		rm -f "$tmp"
		[ -n "$first" ] || first=$status first_report=$report
		case $code in 4?? | 550) answered=yes ;; esac
		# A database's signature belongs to the database that the same mirror gave.
		case $kind-$name-$code in database-*.sig-[45]??) elsewhere=no ;; esac
		case $status-$connected in 28-*[1-9]*) slow=${slow:-$mirror} ;; esac
		case $daemon-$status-$code in
		live-[567]-* | live-28-* | live-35-* | live-5[26]-* | live-22-5??)
			printf '%s' "$mirror" | curl -q -sf --unix-socket "$socket" --max-time 0.5 -X POST -G \
				--data-urlencode url@- http://localhost/v1/mirror-failed
			;;
		esac
		if not_needed; then
			: >"$tmp"
			rm -f "$answer"
			finish
		fi
		[ "$elsewhere" = yes ] || return
	done <<-EOF
		$1
	EOF
}
others() { # the file at the other servers that pacman's own configuration names
	repository | while IFS= read -r line; do
		case $line in *://*) printf '%s/%s\n' "$line" "$name" ;; esac
	done | head -n 16
}

columns='' first='' order='' answered='' slow='' patience=10 elsewhere=yes
if [ -t 1 ]; then
	columns=$(stty size </dev/tty 2>/dev/null)
	columns=${columns#* }
	[ "${columns:-0}" -gt 0 ] || columns=80
	# shellcheck source=src/client/pacsrv-progress.sh
	. "${0%/*}/pacsrv-progress"
fi
if [ "$daemon" = live ]; then
	order=$(printf '%s' "$url" | curl -q -sf --unix-socket "$socket" --max-time 0.5 -G \
		--data-urlencode url@- http://localhost/v1/mirrors) || order='' # half an answer is none
	[ -n "$order" ] || daemon=none # it hangs, or knows nothing of this URL
fi
case ${order%%"$url"*} in
'')
	try "$url"
	[ "$elsewhere" = no ] || try "$(others)"
	;;
*) # It knows the first to be dead. Its word counts for the order only: this runs as root, and it faces the network.
	try "$({
		printf '%s\n' "$url"
		others
	} | ORDER=$order awk '
		{ own[NR] = $0; mine[$0] = 1 }
		END {
			count = split(ENVIRON["ORDER"], order, "\n")
			for (n = 1; n <= count && n <= 16; n++) if (order[n] in mine) { print order[n]; delete mine[order[n]] }
			for (n = 1; n <= NR; n++) if (own[n] in mine) print own[n]
		}')"
	;;
esac

# A daemon that was too busy to answer may have the file by now, where the mirrors gave nothing: it is asked as a
# CacheServer, and gives only what is whole and checked.
if [ "$kind-$daemon-$answered" = package-busy- ]; then
	path=${url#*://}
	run curl -q -sfg --unix-socket "$socket" --speed-limit 1 --speed-time 10 -o "$tmp" \
		--url "http://localhost/${path#*/}" && echo "$name: from the daemon" && rm -f "$answer" && finish
	rm -f "$tmp"
fi

# A mirror that took the call and was too slow, behind a crowded line say: curl as XferCommand would still be waiting.
if [ $kind = package ] && [ -n "$slow" ]; then
	patience=60
	get "$slow" && got
	rm -f "$tmp"
fi

# Where no mirror answers at all, a peer's signature is better than none: pacman verifies it.
case $daemon-$kind-$answered in
live-signature-)
	run curl -q -sf --unix-socket "$socket" --max-time 8 -o "$tmp" -G --data-urlencode "url=$url" \
		http://localhost/v1/signature && rm -f "$answer" && finish
	;;
esac
echo "pacsrv-xfer: $name: $first_report" >&2
leave "$first"
