# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What bin/sluice and bin/test share: install what is missing, find a JDK, build what is stale.
# Sourced by them with `root` set to the folder of the project. All messages go to stderr, for
# stdout belongs to the command that runs.

dist=${root:?}/target/dist
stamp=$dist/stamp
build_log=$root/target/build.log

# What a folder of this project contributes to the program; a change there makes the dist stale.
modules=(config bpf-c kernel persistence cluster actors agent lab bench)

# package=probe: a command, or (with a slash) a path, which may be a pattern. Probes are shell
# built-ins only, so that asking costs nothing when all is there.
# shellcheck disable=SC2034 # for those who source this
runtime_packages=(
	curl=curl
	iproute2=ip
	procps=ps
	libbpf1='/usr/lib/*/libbpf.so.1'
	libnftables1='/usr/lib/*/libnftables.so.1'
	libpcap0.8='/usr/lib/*/libpcap.so.0.8'
	default-jdk-headless=JDK
)
# What `sluice bench traffic` compares with.
# shellcheck disable=SC2034 # for those who source this
peer_packages=(
	iptables=iptables
)
# What `sluice bench policy` sets links with.
# shellcheck disable=SC2034 # for those who source this
link_packages=(
	ethtool=ethtool
)
build_packages=(
	maven=mvn
	clang=clang
	llvm=llvm-strip
	libbpf-dev=/usr/include/bpf/bpf_helpers.h
	linux-libc-dev=/usr/include/linux/bpf.h
	gcc=gcc
	libc6-dev=/usr/include/stdio.h
	bpftool=bpftool
)
# shellcheck disable=SC2034 # for those who source this
test_packages=(
	git=git
	clang-format=clang-format
	shellcheck=shellcheck
	nftables=nft
	iputils-ping=ping
	ethtool=ethtool
	tcpdump=tcpdump
	openssl=openssl
)

say() { printf 'sluice: %s\n' "$*" >&2; }

die() {
	say "$*"
	exit 1
}

# Is there what PROBE asks for?
have() { # PROBE
	local probe=$1 path
	case $probe in
	JDK) find_jdk ;;
	*/*) for path in $probe; do [[ -e $path ]] && return 0; done; return 1 ;;
	*) [[ -x /usr/sbin/$probe || -x /sbin/$probe ]] || command -v "$probe" >/dev/null ;;
	esac
}

# Installs the packages, out of PACKAGE=PROBE..., whose probe finds nothing.
need() { # PACKAGE=PROBE...
	local entry missing=()
	for entry in "$@"; do
		have "${entry#*=}" || missing+=("${entry%%=*}")
	done
	[[ ${#missing[@]} -eq 0 ]] && return 0
	command -v apt-get >/dev/null ||
		die "missing: ${missing[*]} (names of Debian's packages); there is no apt-get here, so install them by hand"
	[[ $EUID -eq 0 ]] || die "missing: ${missing[*]}; run once as root, or: apt-get install ${missing[*]}"
	say "installing ${missing[*]}"
	local log=$root/target/apt.log
	mkdir -p "$root/target"
	# Two at once would fail on apt's own lock.
	(
		flock 8
		export DEBIAN_FRONTEND=noninteractive
		# A foreign source that fails to answer need not stop Debian's.
		apt-get -q update </dev/null || true
		apt-get -q -y --no-install-recommends install "${missing[@]}" </dev/null
	) 8>"$root/target/.apt.lock" >"$log" 2>&1 || {
		grep -E '^(E|Err)' "$log" >&2
		die "apt-get could not install ${missing[*]}; see $log"
	}
	hash -r
	for entry in "$@"; do
		have "${entry#*=}" || die "${entry%%=*} is installed, but ${entry#*=} is not there; see $log"
	done
}

# The major version of the JDK in FOLDER, which must have a compiler, into `major`; fails if none.
jdk_major() { # FOLDER
	local line
	major=0
	[[ -x $1/bin/javac && -r $1/release ]] || return 1
	while IFS= read -r line; do
		if [[ $line =~ ^JAVA_VERSION=\"([0-9]+) ]]; then
			major=${BASH_REMATCH[1]}
			[[ $major -ge 17 ]]
			return
		fi
	done <"$1/release"
	return 1
}

# Finds a JDK of 17 or newer: JAVA_HOME, the one of the PATH, the lowest of /usr/lib/jvm. Sets
# jdk and jdk_version.
find_jdk() {
	[[ -n ${jdk:-} ]] && return 0
	local candidate java major
	java=$(command -v javac 2>/dev/null) && java=$(readlink -f "$java")
	for candidate in "${JAVA_HOME:-}" "${java%/bin/javac}" /usr/lib/jvm/*; do
		if [[ -n $candidate ]] && jdk_major "$candidate"; then
			jdk=$candidate
			jdk_version=$major
			return 0
		fi
	done
	return 1
}

# Prints what changed since the dist was made: one path, or nothing.
stale() {
	[[ -f $stamp ]] || {
		echo "$stamp"
		return
	}
	find "$root/pom.xml" "${modules[@]/#/$root/}" \
		\( -path '*/target' -o -path '*/src/test' \) -prune -o \
		-newer "$stamp" \( -type f -o -path '*/src/*' \) -print -quit
}

# Runs Maven in the project with the JDK that was found.
maven() { # ARGUMENTS...
	# Maven's own start-up gains from C1 alone; the forks for tests have flags of their own.
	(cd "$root" && JAVA_HOME=$jdk MAVEN_OPTS="-XX:TieredStopAtLevel=1 ${MAVEN_OPTS:-}" mvn -Dstyle.color=never "$@" </dev/null)
}

# Maven's output in, what a person wants to see of a build out.
build_progress() {
	awk '
		/^\[INFO\] Building Sluice: / { print "sluice:   " $4; fflush(); next }
		/^Downloaded from |^\[INFO\] Downloaded from / {
			if (++files % 100 == 0) { print "sluice:   ... " files " files fetched"; fflush() }
		}' >&2
}

maven_package() { # FLAGS...
	maven "$@" -B package -DskipTests -Dspotless.check.skip=true -pl bench -am 2>&1 |
		tee "$build_log" | build_progress
}

# Builds the dist, if it is stale, one process at a time.
build() {
	local changed
	[[ -n ${SLUICE_NO_BUILD:-} ]] && [[ -f $stamp ]] && return 0
	changed=$(stale)
	[[ -z $changed ]] && return 0
	mkdir -p "$root/target" 2>/dev/null || true
	[[ -w $root/target ]] ||
		die "stale (${changed#"$root"/}), and $root/target is not writable: build as its owner first"
	need "${build_packages[@]}"
	exec 9>"$root/target/.build.lock"
	flock -n 9 || {
		say "waiting for another build"
		flock 9
	}
	changed=$(stale)
	[[ -z $changed ]] || build_locked "$changed"
	exec 9>&-
}

build_locked() { # CHANGED
	local began=$SECONDS offline=()
	if [[ $1 == */stamp ]]; then
		say "building for the first time"
	else
		say "building: ${1#"$root"/} is new or changed"
	fi
	: >"$root/target/.stamp"
	# What is there since the last build need not be looked up again, nor need a network, which a
	# lab node's namespace has not.
	[[ ! -f $stamp || -n $(find "$root/pom.xml" "$root"/*/pom.xml -newer "$stamp" -print -quit) ]] ||
		offline=(-o)
	maven_package "${offline[@]}" || {
		[[ ${#offline[@]} -gt 0 ]] && grep -q 'in offline mode' "$build_log" && maven_package
	} || {
		grep -E '^\[ERROR\]' "$build_log" | head -n 30 >&2
		die "the build failed; all of it is in $build_log"
	}
	# Renamed, not overwritten: agents that run from the old jars have them open and keep them.
	rm -rf "$dist.new" "$dist.old"
	mkdir -p "$dist.new"
	cp -r "$root/bench/target/dist/lib" "$dist.new/lib"
	[[ ! -d $dist ]] || mv "$dist" "$dist.old"
	mv "$dist.new" "$dist"
	rm -rf "$dist.old"
	archive_classes
	touch -r "$root/target/.stamp" "$dist/.stamp"
	mv "$dist/.stamp" "$stamp"
	say "built in $((SECONDS - began)) s"
}

# The class path, in one order always: the class archive is bound to it.
class_path() {
	local jar
	classpath=
	for jar in "$dist"/lib/*.jar; do classpath+=${classpath:+:}$jar; done
}

# Archives the classes that commands and agents load, so that they start in half the time. A JVM
# that cannot make or map the archive runs without it.
archive_classes() {
	local log=$root/target/cds.log
	class_path
	jvm_flags help
	timeout 120 "$jdk/bin/java" "${flags[@]}" -XX:ArchiveClassesAtExit="$dist/classes-$jdk_version.jsa" \
		-cp "$classpath" io.sluice.agent.ClassArchive >"$log" 2>&1 </dev/null ||
		say "no class archive, commands start a little slower; see $log"
}

# The JVM's flags for COMMAND, into `flags`.
jvm_flags() { # COMMAND
	flags=(
		# The detection of containers breaks on hybrid cgroup hierarchies in JDK 17.
		-XX:-UseContainerSupport
		-XX:+UseSerialGC
		-Xss512k
		-Dsluice.home="$root"
		# What the JVM has to say must not get between a command's lines.
		-Xlog:disable
	)
	[[ $jdk_version -lt 22 ]] || flags+=(--enable-native-access=ALL-UNNAMED)
	local archive=$dist/classes-$jdk_version.jsa
	[[ ! -f $archive ]] || flags+=(-Xshare:auto -XX:SharedArchiveFile="$archive")
	case $1 in
	agent)
		flags+=(-Xms16m -Xmx256m -XX:TieredStopAtLevel=1 -XX:+ExitOnOutOfMemoryError)
		# The class archive at its own address: its pages stay clean, and are shared by agents.
		flags+=(-XX:+UnlockDiagnosticVMOptions -XX:ArchiveRelocationMode=0)
		# What a burst of changes took goes back: an agent at rest needs little.
		flags+=(-XX:MinHeapFreeRatio=10 -XX:MaxHeapFreeRatio=20)
		export MALLOC_ARENA_MAX=1 MALLOC_TRIM_THRESHOLD_=131072
		;;
	bench) flags+=(-Xmx1g) ;;
	*) flags+=(-Xms16m -Xmx256m -XX:TieredStopAtLevel=1) ;;
	esac
}
