#!/bin/sh
# Builds the front's fuzz target and runs it: sh test/fuzz/front.sh [libFuzzer's options], -runs=1000000 by default.
# Needs clang with its compiler-rt.
set -eu
here=$(dirname "$0")
source=$here/../../src/client
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
${CLANG:-clang} -std=c11 -D_GNU_SOURCE -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
	-o "$folder/front" "$here/front.c" "$source/answer.c" "$source/conf.c"
mkdir "$folder/corpus"
printf '\277\007\000\000\000\010\000\000\000\000\000\000\000\003\002\000\000\000\003abc\011\000\000\000\004line' >"$folder/corpus/whole"
printf '\277\007\000\000\000\010\000\000\000\000\000\000\000\003\002\000\000\000\001a\004\000\000\000\000\010\000\000\000\001x\006\000\000\000\000' >"$folder/corpus/rewind"
printf '\003[server]\nsocket = /x\n[client]\nstart=no\n[daemon]\nuser = u\n' >"$folder/corpus/conf"
[ $# -gt 0 ] || set -- -runs=1000000
"$folder/front" -max_len=8192 -artifact_prefix="${ARTIFACTS:-./}" "$@" "$folder/corpus"
