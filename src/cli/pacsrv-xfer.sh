#!/bin/sh
# pacsrv-xfer: pacman's XferCommand, and the command line of pacsrv.
#
# pacman runs this once per file, so what happens most is done with least: a file that the daemon has ready
# comes by curl over its socket. Else the Node client asks the daemon for it; and where there is no daemon, no
# luck or no working node, curl asks the mirror. pacsrv never stands between pacman and a file.
PATH=${PATH:-/usr/local/bin:/usr/bin:/bin}
export PATH

lib=${0%/*}
[ -f "$lib/client.cjs" ] || lib=/usr/lib/pacsrv
[ -f "$lib/client.cjs" ] || lib=$(dirname "$(readlink -f "$0")")

conf=/etc/pacsrv.conf
if [ "$1" = --config ] && [ $# -ge 2 ]; then
	conf=$2
	shift 2
fi
program() {
	case $1 in
	daemon | webhost)
		# Never as root. Node's own setuid is not to be relied on (see daemon/privileges.ts).
		if [ "$(id -u)" = 0 ]; then
			ids=$(node "$lib/main.cjs" --config "$conf" user-of "$1") || exit 1
			exec setpriv --reuid "${ids% *}" --regid "${ids#* }" --init-groups \
				node "$lib/main.cjs" --config "$conf" "$@"
		fi
		;;
	esac
	exec node "$lib/main.cjs" --config "$conf" "$@"
}
case $# in
2) case $1 in *://*) ;; *) program "$@" ;; esac ;;
*) program "$@" ;;
esac

url=$1 out=$2
tmp=${out%.part}.$$.part # pacman and pacsrv's own catalogue both pass over *.part

case $out in
*/*) folder=${out%/*}/ ;;
*) folder=. ;;
esac
if [ ! -d "$folder" ] || [ -d "$out" ]; then
	[ -d "$folder" ] && why='it is a folder' || why='its folder is not there'
	echo "pacsrv-xfer: can't write $out: $why" >&2
	exit 1
fi

# A child in the background and a trap: the shell would otherwise hold a signal back until its child is done.
child=
leave() {
	[ -z "$child" ] || kill "$child" 2>/dev/null
	rm -f "$tmp"
	exit "$1"
}
trap 'leave 130' INT
trap 'leave 143' TERM HUP
run() {
	"$@" <&0 &
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

# Only what is needed before Node runs; sed keeps the section in its hold space.
socket='' server='' start=yes
if [ -r "$conf" ]; then
	blank='[[:space:]]*'
	while IFS= read -r line; do
		case $line in
		socket=*) socket=${line#*=} ;;
		server=*) server=${line#*=} ;;
		start=*) start=${line#*=} ;;
		esac
	done <<-EOF
		$(sed -n "s/^$blank//
			s/$blank\$//
			/^\[/{
				h
				d
			}
			G
			s/^socket$blank=$blank\(.*\)\n\[server\]\$/socket=\1/p
			s/^server$blank=$blank\(.*\)\n\[client\]\$/server=\1/p
			s/^start$blank=$blank\(.*\)\n\[client\]\$/start=\1/p" "$conf")
	EOF
elif [ ! -S /run/pacsrv/pacsrv.sock ] && [ -n "$XDG_RUNTIME_DIR" ]; then
	socket=$XDG_RUNTIME_DIR/pacsrv/pacsrv.sock
fi
case $server in
/*) socket=$server server='' ;;
esac
socket=${socket:-/run/pacsrv/pacsrv.sock}

terminal=
[ ! -t 1 ] || terminal=yes
name=${url##*/}

# Asks the daemon's socket. What is not there within half a second was not ready.
ready() {
	set -- --unix-socket "$socket" --max-time 0.5 -G --data-urlencode "url=$url" http://localhost/v1/ready
	if [ -n "$terminal" ]; then
		size=$(stty size </dev/tty 2>/dev/null)
		set -- -H "Pacsrv-Columns: ${size#* }" "$@"
	fi
	run curl -q -sf -o "$tmp" -w '%header{pacsrv-line}' "$@"
}

# Asks the daemon of another machine ([client] server = HOST:PORT) as a CacheServer.
remote() {
	path=${url#*://}
	run curl -q -sfg --noproxy '*' --connect-timeout 1 --speed-limit 1 --speed-time 10 \
		-o "$tmp" --url "http://$server/${path#*/}" && echo "$name: from $server"
}

# As pacman's own downloader would: its time-outs, its user agent, the server's time kept.
mirror() {
	if [ -n "$terminal" ]; then
		echo " $name"
		set -- -'#'
	else
		label=$name # a % in it would be curl's to obey: %output{FILE} writes files
		case $name in *%*) label=$(printf '%s' "$name" | sed 's/%/%%/g') ;; esac
		set -- -sS -w "$label: %{size_download} bytes from the mirror\n"
	fi
	run curl -fLgR --connect-timeout 10 --speed-limit 1 --speed-time 10 \
		${HTTP_USER_AGENT:+-A} ${HTTP_USER_AGENT:+"$HTTP_USER_AGENT"} "$@" -o "$tmp" --url "$url"
}

case $name in
*.db | *.db.sig | *.files | *.files.sig) ;; # never from a peer
*)
	if [ -n "$server" ]; then
		remote && finish
	else
		answer=7
		if [ -S "$socket" ]; then
			ready
			answer=$?
		fi
		case $answer in
		0) echo && finish ;;
		28) ;; # a daemon that hangs: to wait for it a second time would cost as much again
		*)
			run node "$lib/client.cjs" "$conf" "$socket" "$start" "$url" "$tmp" "$name" "$PPID"
			case $? in
			0) finish ;;
			65) leave 1 ;; # the mirrors' bytes are not what the sync database promises
			esac
			;;
		esac
	fi
	;;
esac
mirror && finish
leave $?
