#!/bin/sh
# pacman's own progress bar, for pacsrv-mirrors, which reads this where there is a terminal. It sets $label, $columns,
# $tmp (the file on its way) and $answers (the heads that curl was sent).
# shellcheck disable=SC2154

# Bytes as pacman prints them: $unit, and in $milli thousands of it.
scale() {
	milli=$(($1 * 1000)) unit=B
	for larger in KiB MiB GiB TiB; do
		[ "$milli" -gt 2048000 ] || break
		milli=$((milli / 1024)) unit=$larger
	done
}
# $text: thousandths with so many decimals.
decimals() {
	case $2 in
	0) text=$((($1 + 500) / 1000)) ;;
	1) text=$((($1 + 50) / 1000)).$((($1 + 50) / 100 % 10)) ;;
	2) text=$((($1 + 5) / 1000)).$((($1 + 5) / 100 % 10))$((($1 + 5) / 10 % 10)) ;;
	esac
}
# DONE SIZE MILLISECONDS: one state of pacman's bar (base/progress.ts says whence), at most $columns wide.
progress() {
	percent=100
	[ "$2" -le 0 ] || percent=$(($1 * 100 / $2))
	scale "$1"
	decimals "$milli" 1
	info=$((columns * 6 / 10))
	[ $info -ge 50 ] || info=50
	width=$((info - 30))
	[ "$columns" -ge 60 ] || width=$((columns - 19))
	shown=$label
	if [ ${#label} -gt $width ]; then
		shown=''
		[ $width -le 0 ] || shown=$(printf '%.*s' $width "$label")
		[ $width -le 6 ] || shown=$(printf '%.*s...' $((width - 3)) "$label")
	fi
	[ $width -ge 0 ] || width=0
	line=$(printf ' %-*s %6s %3s' $width "$shown" "$text" "$unit")
	if [ "$columns" -lt 60 ]; then
		printf '%.*s' "$columns" "$line $(printf '%3d%%' "$percent")"
		return
	fi
	rate=0 left=360000
	[ "$3" -le 0 ] || rate=$(($1 * 1000 / $3))
	[ $rate -le 0 ] || left=$((($2 - $1) / rate))
	[ "$1" -lt "$2" ] || left=$(($3 / 1000))
	scale $rate
	digits=0
	[ "$milli" -ge 99950 ] || digits=1
	[ "$milli" -ge 9995 ] || digits=2
	decimals "$milli" $digits
	clock='--:--'
	[ $left -ge 6000 ] || clock=$(printf '%02d:%02d' $((left / 60)) $((left % 60)))
	bar='' cells=$((columns - info - 8))
	while [ ${#bar} -lt $cells ]; do
		if [ ${#bar} -lt $((percent * cells / 100)) ]; then bar="$bar#"; else bar=$bar-; fi
	done
	printf '%s  %4s %3s/s %s [%s] %3d%%' "$line" "$text" "$unit" "$clock" "$bar" "$percent"
}
# Draws until it is ended.
watch() {
	elapsed=0
	while sleep 0.2; do
		elapsed=$((elapsed + 200)) size=0
		while read -r key value; do
			case $key in [Cc]ontent-[Ll]ength:) size=${value%[!0-9]} ;; esac
		done <"$answers"
		case $size in '' | *[!0-9]*) size=0 ;; esac
		[ "$size" -gt 0 ] || continue
		so_far=$(stat -c %s "$tmp" 2>/dev/null) || continue
		printf '%s\r' "$(progress "$so_far" "$size" $elapsed)"
	done
}
