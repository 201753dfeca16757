// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
// Whom a host reaches: asks many others at once, by every protocol, as often as it is told to.
//
//   pod-prober [--first-id N] --port PORT [--port PORT]... NAME=IPV4,IPV6...
//
// For each line "DEADLINE RETRY PATIENCE EXPECTED" (milliseconds) on stdin it asks every NAME once
// over IPv4, then over IPv6: with TCP, UDP and SCTP on each port, and by ping. What is not answered
// after RETRY is asked again, as a flow of its own. It ends after DEADLINE, or when all is
// answered; but those questions that have a 1 in EXPECTED, which has a character for each, it
// awaits until PATIENCE, so that a slow machine's answers are not taken for silence. Then it prints
// a line of one character for each question, in this order:
//
//   1  answered, by NAME (TCP, UDP), or from its address (SCTP, ping)
//   0  not answered
//   r  refused: RST, or port unreachable
//   u  said to be unreachable, or prohibited
//   !  answered by another pod
//   e  could not be asked
//
// No flow has the source port, or the identifier, of one that was asked shortly before: what a
// dataplane remembers of an older one decides nothing. SCTP, whose ends a dataplane need not see,
// counts for each question, so that a port comes again after 40,000 passes; TCP and UDP, whose
// sockets share the ports, through all questions. Identifiers of pings count up from N, through
// some thousands: two hosts that ping each other should not use the same.
#define _GNU_SOURCE
#include "net.h"
#include "sctp.h"

#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_PORTS     8
#define TRIES	      2
#define MAX_QUESTIONS 4096
#define MAX_IDS	      4000
#define FIRST_PORT    20000
#define LAST_PORT     59999

enum kind { TCP, UDP, SCTP, PING, KINDS };

struct
try {
	int fd;	       // TCP, UDP; -1: none
	uint16_t port; // of the source, or the identifier; 0: not asked
	bool connected;
};

struct probe {
	const char *name;
	enum kind kind;
	union endpoint to;
	uint16_t asked; // SCTP: how often, modulo the number of ports
	char result;
	struct try tries[TRIES];
};

static struct probe *probes;
static int count;
static int open_count;
static int poller;
static int raw[KINDS][2]; // by kind and family
static uint16_t first_id = 1;

static void die(const char *what)
{
	fprintf(stderr, "pod-prober: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ll + t.tv_nsec / 1000000;
}

static uint16_t next_port(struct probe *p)
{
	static uint16_t asked[KINDS];

	if (p->kind == PING) {
		asked[PING] = (asked[PING] + 1) % MAX_IDS;
		return first_id + asked[PING];
	}
	uint16_t *count = p->kind == SCTP ? &p->asked : &asked[p->kind];
	*count = (*count + 1) % (LAST_PORT - FIRST_PORT + 1);
	return FIRST_PORT + *count;
}

static void settle(struct probe *p, char result)
{
	for (int i = 0; i < TRIES; i++) {
		if (p->tries[i].fd >= 0)
			close(p->tries[i].fd);
		p->tries[i].fd = -1;
		p->tries[i].port = 0;
	}
	if (p->result == '0' && result != '0')
		open_count--;
	p->result = result;
}

static char complaint(int error)
{
	switch (error) {
	case ECONNREFUSED:
	case ECONNRESET:
		return 'r';
	case EHOSTUNREACH:
	case ENETUNREACH:
	case EACCES:
	case EPROTO:
	case ENOPROTOOPT:
		return 'u';
	default:
		return 'e';
	}
}

// Gives a socket a port of its own. Returns false when none is to be had.
static bool bind_fresh(int fd, struct probe *p, struct try *t)
{
	union endpoint any;
	const char *unspecified = p->to.any.sa_family == AF_INET ? "0.0.0.0" : "::";

	for (int i = 0; i < 100; i++) {
		t->port = next_port(p);
		endpoint_parse(&any, unspecified, t->port);
		if (!bind(fd, &any.any, endpoint_length(&any)))
			return true;
	}
	return false;
}

static void ask_by_socket(struct probe *p, struct try *t, uint64_t tag)
{
	struct linger at_once = {.l_onoff = 1};
	int type = p->kind == TCP ? SOCK_STREAM : SOCK_DGRAM;
	int on = 1;
	int fd = socket(p->to.any.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = tag};

	if (fd < 0)
		die("socket");
	t->fd = fd;
	t->connected = false;
	if (p->kind == TCP) {
		// Ends by RST: nothing of it stays behind that holds the port.
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		event.events = EPOLLOUT;
	}
	if (!bind_fresh(fd, p, t) || epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event)) {
		settle(p, 'e');
		return;
	}
	if (connect(fd, &p->to.any, endpoint_length(&p->to)) && errno != EINPROGRESS)
		settle(p, complaint(errno));
	else if (p->kind == UDP && send(fd, "?\n", 2, MSG_DONTWAIT) < 0)
		settle(p, complaint(errno));
}

static void ask_raw(struct probe *p, struct try *t)
{
	bool v6 = p->to.any.sa_family == AF_INET6;
	union endpoint to = p->to;
	struct sctp_packet init;
	struct icmphdr echo = {0};
	const void *data = &echo;
	size_t length = sizeof(echo);

	t->port = next_port(p);
	if (p->kind == SCTP) {
		uint16_t port = ntohs(v6 ? to.v6.sin6_port : to.v4.sin_port);
		length = sctp_make(&init, SCTP_INIT, t->port, port, 0, htonl(t->port));
		data = &init;
	} else {
		// ICMPv6 has the same layout, and a checksum that the kernel makes.
		echo.type = v6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO;
		echo.un.echo.id = htons(t->port);
		uint32_t sum = htons(echo.type << 8) + echo.un.echo.id;
		echo.checksum = v6 ? 0 : ~((sum & 0xffff) + (sum >> 16));
	}
	if (v6)
		to.v6.sin6_port = 0; // to a raw socket, it would be the protocol
	if (sendto(raw[p->kind][v6], data, length, MSG_DONTWAIT, &to.any, endpoint_length(&to)) < 0)
		settle(p, complaint(errno));
}

static void ask(int index, int nth)
{
	struct probe *p = &probes[index];
	struct try *t = &p->tries[nth];

	if (p->kind == TCP || p->kind == UDP)
		ask_by_socket(p, t, (uint64_t)index << 8 | nth);
	else
		ask_raw(p, t);
}

// A TCP connection that is there, or an answer.
static void heard(struct probe *p, struct try *t)
{
	char answer[400];
	int error = 0;
	socklen_t size = sizeof(error);

	if (p->kind == TCP && !t->connected) {
		struct epoll_event event = {
		    .events = EPOLLIN, .data.u64 = (uint64_t)(p - probes) << 8 | (t - p->tries)};
		getsockopt(t->fd, SOL_SOCKET, SO_ERROR, &error, &size);
		if (error) {
			settle(p, complaint(error));
			return;
		}
		t->connected = true;
		if (send(t->fd, "?\n", 2, MSG_DONTWAIT | MSG_NOSIGNAL) != 2)
			settle(p, complaint(errno));
		else
			epoll_ctl(poller, EPOLL_CTL_MOD, t->fd, &event);
		return;
	}
	ssize_t n = recv(t->fd, answer, sizeof(answer) - 1, MSG_DONTWAIT);
	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			settle(p, complaint(errno));
		return;
	}
	size_t name = strlen(p->name);
	bool right = (size_t)n > name && !memcmp(answer, p->name, name) && answer[name] == ' ';
	settle(p, right ? '1' : '!');
}

static bool same_host(const union endpoint *a, const union endpoint *b)
{
	if (a->any.sa_family == AF_INET)
		return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
	return IN6_ARE_ADDR_EQUAL(&a->v6.sin6_addr, &b->v6.sin6_addr);
}

static void answered_raw(enum kind kind, const union endpoint *from, uint16_t id, uint16_t port)
{
	for (int i = 0; i < count; i++) {
		struct probe *p = &probes[i];
		uint16_t asked =
		    from->any.sa_family == AF_INET ? p->to.v4.sin_port : p->to.v6.sin6_port;
		if (p->kind != kind || p->result != '0' ||
		    p->to.any.sa_family != from->any.sa_family || !same_host(from, &p->to) ||
		    (kind == SCTP && asked != port))
			continue;
		for (int k = 0; k < TRIES; k++) {
			if (p->tries[k].port == id) {
				settle(p, '1');
				return;
			}
		}
	}
}

static void heard_raw(enum kind kind, bool v6)
{
	char data[2048];
	union endpoint from;
	socklen_t size = sizeof(from);
	ssize_t n;

	while ((n = recvfrom(raw[kind][v6], data, sizeof(data), MSG_DONTWAIT, &from.any, &size)) >=
	       0) {
		size = sizeof(from);
		if (kind == SCTP) {
			struct sctp_packet *p = sctp_received(v6 ? AF_INET6 : AF_INET, data, n);
			if (p && p->type == SCTP_INIT_ACK &&
			    p->verification == htonl(ntohs(p->dport)))
				answered_raw(kind, &from, ntohs(p->dport), p->sport);
			continue;
		}
		size_t header = v6 || !n ? 0 : (data[0] & 15) * 4;
		struct icmphdr *echo = (struct icmphdr *)(data + header);
		if ((size_t)n >= header + sizeof(*echo) &&
		    echo->type == (v6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY))
			answered_raw(kind, &from, ntohs(echo->un.echo.id), 0);
	}
}

static void handle(uint64_t tag)
{
	if (tag >> 63) {
		heard_raw(tag & 0xff, tag >> 8 & 1);
		return;
	}
	struct probe *p = &probes[tag >> 8];
	struct try *t = &p->tries[tag & 0xff];
	if (t->fd >= 0)
		heard(p, t);
}

static void wait_until(int64_t end)
{
	struct epoll_event events[256];
	int64_t left;

	while (open_count && (left = end - now_ms()) > 0) {
		int n = epoll_wait(poller, events, 256, left);
		for (int i = 0; i < n; i++)
			handle(events[i].data.u64);
	}
}

static bool missed(const char *expected)
{
	for (int i = 0; i < count; i++)
		if (expected[i] == '1' && probes[i].result == '0')
			return true;
	return false;
}

static void pass(int deadline, int retry, int patience, const char *expected)
{
	int64_t began = now_ms();

	open_count = count;
	for (int i = 0; i < count; i++) {
		probes[i].result = '0';
		ask(i, 0);
	}
	wait_until(began + retry);
	for (int i = 0; i < count; i++)
		if (probes[i].result == '0')
			ask(i, 1);
	wait_until(began + deadline);
	while (missed(expected) && now_ms() < began + patience)
		wait_until(now_ms() + 20);
	for (int i = 0; i < count; i++) {
		settle(&probes[i], probes[i].result);
		putchar(probes[i].result);
	}
	putchar('\n');
	fflush(stdout);
}

static void add_probe(const char *name, enum kind kind, const char *address, uint16_t port)
{
	struct probe *p;

	probes = must(realloc(probes, (count + 1) * sizeof(*probes)));
	p = &probes[count++];
	memset(p, 0, sizeof(*p));
	p->name = name;
	p->kind = kind;
	for (int i = 0; i < TRIES; i++)
		p->tries[i].fd = -1;
	if (!endpoint_parse(&p->to, address, port)) {
		fprintf(stderr, "pod-prober: not an address: %s\n", address);
		exit(2);
	}
}

static void add_target(char *text, const uint16_t *ports, int port_count)
{
	char *v4 = strchr(text, '=');
	char *v6 = v4 ? strchr(v4, ',') : NULL;

	if (!v6) {
		fprintf(stderr, "pod-prober: want NAME=IPV4,IPV6, not %s\n", text);
		exit(2);
	}
	*v4++ = 0;
	*v6++ = 0;
	const char *addresses[] = {v4, v6};
	for (int family = 0; family < 2; family++) {
		for (enum kind kind = TCP; kind < PING; kind++)
			for (int i = 0; i < port_count; i++)
				add_probe(text, kind, addresses[family], ports[i]);
		add_probe(text, PING, addresses[family], 0);
	}
}

static void open_raw(enum kind kind, bool v6, int protocol)
{
	int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
	struct epoll_event event = {.events = EPOLLIN,
				    .data.u64 = 1ull << 63 | (uint64_t)v6 << 8 | kind};

	if (fd < 0 || epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event))
		die("raw socket");
	raw[kind][v6] = fd;
}

int main(int argc, char **argv)
{
	struct rlimit files = {.rlim_cur = 65536, .rlim_max = 65536};
	uint16_t ports[MAX_PORTS];
	int port_count = 0, deadline, retry, patience;

	setrlimit(RLIMIT_NOFILE, &files); // without privilege: whatever the limit is
	poller = epoll_create1(EPOLL_CLOEXEC);
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--port") && i + 1 < argc && port_count < MAX_PORTS)
			ports[port_count++] = atoi(argv[++i]);
		else if (!strcmp(argv[i], "--first-id") && i + 1 < argc)
			first_id = atoi(argv[++i]);
		else
			add_target(argv[i], ports, port_count);
	}
	if (!count || count > MAX_QUESTIONS) {
		fputs("usage: pod-prober --port PORT... NAME=IPV4,IPV6...\n", stderr);
		return 2;
	}
	open_raw(SCTP, false, IPPROTO_SCTP);
	open_raw(SCTP, true, IPPROTO_SCTP);
	open_raw(PING, false, IPPROTO_ICMP);
	open_raw(PING, true, IPPROTO_ICMPV6);
	char *expected = must(calloc(1, MAX_QUESTIONS + 1));
	while (scanf("%d %d %d %4096s", &deadline, &retry, &patience, expected) == 4) {
		if (strlen(expected) != (size_t)count) {
			fprintf(stderr, "pod-prober: want %d expectations\n", count);
			return 2;
		}
		pass(deadline, retry, patience, expected);
	}
	return 0;
}
