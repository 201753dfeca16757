// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
// How fast TCP and UDP are between two hosts of the lab. The server does one connection after the
// other: the first byte says what the client wants of it. Datagrams it counts, and tells who sent
// them after each read how much it has got by then: as QUIC does, so that a sender goes on as fast
// as the other end takes.
#define _GNU_SOURCE
#include "net.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define CHUNK	   (256 * 1024)
#define PATIENCE_S 3

// Bytes of datagrams on their way: some of the largest batches.
#define WINDOW	    (1024 * 1024)
#define BUFFER	    (8 * WINDOW)
#define LARGEST_UDP 65507
#define SEGMENTS    64
// After this long without word, what is on its way is taken to be lost.
#define LOST_MS 50
#define PROBES	20

// What the first byte of a connection asks for.
enum wish {
	BULK = 'b',    // take all, then tell how much that was
	REQUEST = 'r', // answer each byte by a byte
	PROBE = 'p',   // of datagrams: begin to count anew
};

static char chunk[CHUNK];

static void die(const char *what)
{
	fprintf(stderr, "pod-meter: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000ull + t.tv_nsec / 1000;
}

// Nobody is waited for forever: not for a connection, nor for a byte. Small packets go at once.
static void configure(int fd)
{
	struct timeval patience = {.tv_sec = PATIENCE_S};
	int on = 1;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static void serve_bulk(int fd)
{
	uint64_t taken = 1;
	ssize_t n;

	while ((n = recv(fd, chunk, CHUNK, 0)) > 0)
		taken += n;
	if (n == 0)
		send(fd, &taken, sizeof(taken), MSG_NOSIGNAL);
}

static void serve(int fd)
{
	char byte;

	configure(fd);
	if (recv(fd, &byte, 1, 0) != 1)
		return;
	if (byte == BULK) {
		serve_bulk(fd);
		return;
	}
	while (send(fd, &byte, 1, MSG_NOSIGNAL) == 1)
		if (recv(fd, &byte, 1, 0) != 1)
			break;
}

// All that is there; segments come as the batches that they were sent in, where nobody has cut
// them.
static void serve_datagrams(int fd)
{
	static uint64_t taken;
	struct sockaddr_in6 from;
	socklen_t length = sizeof(from);
	ssize_t n;

	while ((n = recvfrom(fd, chunk, CHUNK, MSG_DONTWAIT, (struct sockaddr *)&from, &length)) >
	       0) {
		taken = chunk[0] == PROBE ? 0 : taken + n;
		sendto(fd, &taken, sizeof(taken), 0, (struct sockaddr *)&from, length);
		length = sizeof(from);
	}
}

static int bound(int type, const struct sockaddr_in6 *to)
{
	int fd = socket(AF_INET6, type | SOCK_CLOEXEC, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd < 0 || bind(fd, (const struct sockaddr *)to, sizeof(*to)))
		die("bind");
	return fd;
}

static _Noreturn void serve_forever(uint16_t port)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	int fd = bound(SOCK_STREAM, &any), datagrams = bound(SOCK_DGRAM, &any);
	int on = 1, room = BUFFER;

	setsockopt(datagrams, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	if (listen(fd, SOMAXCONN) || setsockopt(datagrams, SOL_UDP, UDP_GRO, &on, sizeof(on)))
		die("listen");
	puts("ready");
	fflush(stdout);
	for (;;) {
		struct pollfd both[] = {{.fd = fd, .events = POLLIN},
					{.fd = datagrams, .events = POLLIN}};
		poll(both, 2, -1);
		if (both[1].revents)
			serve_datagrams(datagrams);
		if (!both[0].revents)
			continue;
		int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
		if (client < 0)
			continue;
		serve(client);
		close(client);
	}
}

static int connected(const union endpoint *to, char wish)
{
	int fd = socket(to->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	configure(fd);
	if (connect(fd, &to->any, endpoint_length(to))) {
		// What a time limit of a socket says, in the words of a connection.
		errno = errno == EINPROGRESS ? ETIMEDOUT : errno;
		die("connect");
	}
	if (send(fd, &wish, 1, MSG_NOSIGNAL) != 1)
		die("send");
	return fd;
}

// Returns bytes, as the other end counted them.
static uint64_t bulk(const union endpoint *to, uint64_t end)
{
	int fd = connected(to, BULK);
	uint64_t taken;

	while (now_us() < end)
		if (send(fd, chunk, CHUNK, MSG_NOSIGNAL) < 0)
			die("send");
	shutdown(fd, SHUT_WR);
	if (recv(fd, &taken, sizeof(taken), MSG_WAITALL) != sizeof(taken))
		die("the other end does not tell what it got");
	close(fd);
	return taken;
}

// A socket whose datagrams are never fragmented on their way: too large ones are answered.
static int datagram_socket(const union endpoint *to)
{
	struct timeval lost = {.tv_usec = LOST_MS * 1000};
	int fd = socket(to->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int discover = IP_PMTUDISC_DO, room = BUFFER;

	if (fd < 0 || connect(fd, &to->any, endpoint_length(to)))
		die("connect");
	if (to->any.sa_family == AF_INET)
		setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &discover, sizeof(discover));
	else
		setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &discover, sizeof(discover));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &lost, sizeof(lost));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
	return fd;
}

// Bytes of a datagram that fits, as far as the kernel knows by now.
static int fitting(int fd, int family)
{
	socklen_t length = sizeof(int);
	int mtu, v4 = family == AF_INET;

	if (getsockopt(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_MTU : IPV6_MTU, &mtu, &length))
		die("MTU");
	mtu -= v4 ? 28 : 48;
	return mtu < LARGEST_UDP ? mtu : LARGEST_UDP;
}

// Returns the size of the largest datagram that arrives, once one did.
static int probe(int fd, int family)
{
	uint64_t taken;

	memset(chunk, PROBE, LARGEST_UDP);
	for (int i = 0; i < PROBES; i++) {
		int size = fitting(fd, family);
		if (send(fd, chunk, size, 0) == size && recv(fd, &taken, sizeof(taken), 0) > 0)
			return size;
	}
	errno = ETIMEDOUT;
	die("no answer");
	return 0;
}

// Returns bytes of datagrams, as the other end counted them.
static uint64_t bulk_of_datagrams(const union endpoint *to, uint64_t end)
{
	int fd = datagram_socket(to), size = probe(fd, to->any.sa_family);
	int segments = LARGEST_UDP / size < SEGMENTS ? LARGEST_UDP / size : SEGMENTS;
	uint64_t sent = 0, taken = 0, told;

	if (setsockopt(fd, SOL_UDP, UDP_SEGMENT, &size, sizeof(size)))
		die("segmentation");
	memset(chunk, BULK, LARGEST_UDP);
	while (now_us() < end) {
		int full = sent - taken > WINDOW;
		if (!full && send(fd, chunk, segments * size, 0) > 0)
			sent += segments * size;
		while (recv(fd, &told, sizeof(told), full ? 0 : MSG_DONTWAIT) == sizeof(told)) {
			taken = told;
			full = 0;
		}
		if (full)
			sent = taken;
	}
	while (taken < sent && recv(fd, &told, sizeof(told), 0) == sizeof(told))
		taken = told;
	close(fd);
	return taken;
}

// Returns requests on one connection, one after the other.
static uint64_t requests(const union endpoint *to, uint64_t end)
{
	int fd = connected(to, REQUEST);
	char byte = REQUEST;
	uint64_t done = 0;

	for (;;) {
		if (recv(fd, &byte, 1, 0) != 1)
			die("no answer");
		done++;
		if (now_us() >= end)
			break;
		if (send(fd, &byte, 1, MSG_NOSIGNAL) != 1)
			die("send");
	}
	close(fd);
	return done;
}

// Returns connections, one after the other: opened, asked, answered, closed by this end. So it is
// this end that has to remember them, for it knows which may be used again; a server would mix up
// what a translation on the way has given one port.
static uint64_t connections(const union endpoint *to, uint64_t end)
{
	uint64_t done = 0;
	char byte;

	do {
		int fd = connected(to, REQUEST);
		if (recv(fd, &byte, 1, 0) != 1)
			die("no answer");
		close(fd);
		done++;
	} while (now_us() < end);
	return done;
}

static int usage(void)
{
	fputs(
	    "usage: pod-meter [--cpu N] serve PORT\n"
	    "       pod-meter [--cpu N] bulk|datagrams|request|connect ADDRESS PORT MILLISECONDS\n",
	    stderr);
	return 2;
}

static void pin(int cpu)
{
	struct sched_param first = {.sched_priority = 1};
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("pin to a CPU");
	// Whatever else runs there gets next to nothing meanwhile. Not by a nice value, which
	// counts within a session alone.
	if (sched_setscheduler(0, SCHED_FIFO, &first))
		perror("pod-meter: without precedence");
}

int main(int argc, char **argv)
{
	union endpoint to;

	if (argc > 2 && !strcmp(argv[1], "--cpu")) {
		pin(atoi(argv[2]));
		argc -= 2;
		argv += 2;
	}
	if (argc == 3 && !strcmp(argv[1], "serve"))
		serve_forever(atoi(argv[2]));
	if (argc != 5 || !endpoint_parse(&to, argv[2], atoi(argv[3])))
		return usage();
	uint64_t begun = now_us(), end = begun + atoi(argv[4]) * 1000ull, count;
	if (!strcmp(argv[1], "bulk"))
		count = bulk(&to, end);
	else if (!strcmp(argv[1], "datagrams"))
		count = bulk_of_datagrams(&to, end);
	else if (!strcmp(argv[1], "request"))
		count = requests(&to, end);
	else if (!strcmp(argv[1], "connect"))
		count = connections(&to, end);
	else
		return usage();
	printf("{\"count\":%" PRIu64 ",\"micros\":%" PRIu64 "}\n", count, now_us() - begun);
	return 0;
}
