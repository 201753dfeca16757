#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Compiles what runs in pods: compile.sh OUTPUT_FOLDER. Called by the Maven build.
set -eu
src=$(cd "$(dirname "$0")" && pwd)/src/main/c
out=$1
mkdir -p "$out"

compile() { # PROGRAM SOURCE...
	program=$1
	shift
	(cd "$src" && gcc -std=gnu11 -O2 -g -Wall -Wextra -Werror -o "$out/$program" "$@")
}

compile pod-meter pod-meter.c
compile pod-server pod-server.c
compile pod-client pod-client.c load.c report.c probe.c
compile pod-prober pod-prober.c
