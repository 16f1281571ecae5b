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
cp -r "$here/cases/front" "$folder/corpus"
[ $# -gt 0 ] || set -- -runs=1000000
"$folder/front" -max_len=8192 -artifact_prefix="${ARTIFACTS:-./}" "$@" "$folder/corpus"
