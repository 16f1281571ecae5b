#!/bin/sh
# pacsrv-xfer: pacman's XferCommand, and the command line of pacsrv.
#
# pacman runs this once per file, so what happens most is done with least: a file that the daemon has ready
# comes by curl over its socket. Else the Node client asks the daemon for it; and where there is no daemon, no
# luck or no working node, pacsrv-mirrors asks the mirror. pacsrv never stands between pacman and a file.
PATH=${PATH:-/usr/local/bin:/usr/bin:/bin}
export PATH

lib=${0%/*}
[ -f "$lib/client.cjs" ] || lib=/usr/lib/pacsrv
[ -f "$lib/client.cjs" ] || lib=$(dirname "$(readlink -f "$0")")

conf=/etc/pacsrv.conf
case $1-$# in
--config-[01]) ;;
--config-*)
	conf=$2
	shift 2
	;;
--config=*)
	conf=${1#*=}
	shift
	;;
esac
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

# A child in the background and a trap: the shell would otherwise hold a signal back until its child is done. Its
# standard input goes by 3: what runs in the background gets /dev/null for 0.
exec 3<&0
child=''
leave() {
	[ -z "$child" ] || kill $child 2>/dev/null
	rm -f "$tmp"
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

# Only what is needed before Node runs; sed keeps the section in its hold space.
socket='' server='' start=yes user=pacsrv own_state=
if [ -r "$conf" ]; then
	blank='[[:space:]]*'
	while IFS= read -r line; do
		case $line in
		socket=*) socket=${line#*=} ;;
		server=*) server=${line#*=} ;;
		start=*) start=${line#*=} ;;
		user=*) user=${line#*=} ;;
		state-dir=*) own_state=yes ;;
		esac
	done <<-EOF
		$(sed -n "s/^$blank//
			s/$blank\$//
			/^\[/{
				h
				d
			}
			G
			s/^user$blank=$blank\(.*\)\n\[daemon\]\$/user=\1/p
			s/^state-dir$blank=.*\n\[daemon\]\$/state-dir=/p
			s/^socket$blank=$blank\(.*\)\n\[server\]\$/socket=\1/p
			s/^server$blank=$blank\(.*\)\n\[client\]\$/server=\1/p
			s/^start$blank=$blank\(.*\)\n\[client\]\$/start=\1/p" "$conf")
	EOF
elif [ ! -S /run/pacsrv/pacsrv.sock ] && [ -n "$XDG_RUNTIME_DIR" ]; then
	own_state=yes
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
	line='%header{pacsrv-line}'
	[ $kind != signature ] || [ -z "$terminal" ] || line='' # pacman shows none of them
	run curl -q -sf -o "$tmp" -w "$line" "$@"
}

# Asks the daemon of another machine ([client] server = HOST:PORT) as a CacheServer.
remote() {
	path=${url#*://}
	run curl -q -sfg --noproxy '*' --connect-timeout 1 --speed-limit 1 --speed-time 10 \
		-o "$tmp" --url "http://$server/${path#*/}" && echo "$name: from $server"
}

case $url in
file://*) kind=local ;; # nothing that a peer or the daemon could do better
*)
	case $name in
	*.db | *.db.sig | *.files | *.files.sig) kind=database ;; # never from a peer
	*.sig) kind=signature ;;
	*) kind=package ;;
	esac
	;;
esac
daemon=none
[ -n "$server" ] || [ ! -S "$socket" ] || daemon=live

# Asks the daemon for a package, and starts one where that may be done.
client() {
	run node "$lib/client.cjs" "$conf" "$socket" "$start" "$url" "$tmp" "$name" "$PPID"
	case $? in
	0) finish ;;
	65) leave 1 ;; # the mirrors' bytes are not what the sync database promises
	esac
}

# Nobody is there. Whether one may be started is the client's to decide (start.ts), but where it surely may not, in a
# chroot say or by alpm, Node would start in vain for each file.
may_start() {
	[ "$start" != no ] || return 1
	if [ "$(id -u)" = 0 ]; then
		[ ! -d /proc/1/root/ ] || [ / -ef /proc/1/root/ ]
	else
		[ -n "$own_state" ] || [ "$(id -un)" = "$user" ]
	fi
}

case $kind in
package | signature)
	if [ -n "$server" ]; then
		remote && finish
	else
		found=7
		if [ $daemon = live ]; then
			ready
			found=$?
		fi
		case $found-$kind in
		0-*)
			[ -z "$line" ] || echo
			finish
			;;
		28-signature) daemon=none ;; # silent: it hangs
		7-package) ! may_start || client ;;
		*-package)
			client
			# Silent once it may have been busy; silent twice it hangs, and is asked for no mirrors.
			[ $found != 28 ] || daemon=busy
			;;
		esac
	fi
	;;
esac

rm -f "$tmp"
mirrors=$lib/pacsrv-mirrors
[ -f "$mirrors" ] || mirrors=$(dirname "$(readlink -f "$0")")/pacsrv-mirrors.sh
exec sh "$mirrors" "$url" "$out" $daemon "$socket" 3<&-
