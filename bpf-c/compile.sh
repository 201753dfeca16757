#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Compiles every program for its families: compile.sh OUTPUT_FOLDER. Called by the Maven build.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=$1
mkdir -p "$out"

# clang's bpf target does not look into the folder of this machine's architecture.
multiarch=$(dpkg-architecture -qDEB_HOST_MULTIARCH 2>/dev/null || echo "$(uname -m)-linux-gnu")
flags="-target bpf -mcpu=v3 -O2 -g -std=gnu11 -Wall -Wextra -Werror -fno-ident
       -I$here/include -I/usr/include/$multiarch"

compile() { # SOURCE OBJECT FLAGS...
	source=$1 object=$2
	shift 2
	# shellcheck disable=SC2086
	clang $flags "$@" -c "$here/src/$source.bpf.c" -o "$out/$object.bpf.o"
	# DWARF is for debuggers of native code; BTF is what is read here.
	llvm-strip -g "$out/$object.bpf.o"
}

compile layout layout
for family in 4 6; do
	for source in $(cd "$here/src" && ls ./*.bpf.c); do
		source=$(basename "$source" .bpf.c)
		[ "$source" = layout ] || compile "$source" "$source$family" -DSLUICE_FAMILY=$family
	done
done
