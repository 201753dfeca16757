// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
// The server in every pod of the lab: says who answered, and whom it saw asking.
//
//   pod-server --name NAMESPACE/POD [--netns NAME] [--port PORT]...
//
// Listens on [::]:PORT with TCP and UDP, for both families. Over TCP each line is answered with
// "NAME CLIENT LINE", a client that ends its stream without a line with "NAME CLIENT", and an HTTP
// request with a minimal HTTP/1.1 response whose body is "NAME CLIENT". Over UDP each datagram is
// answered with "NAME CLIENT FIRST-LINE", from the address that it was sent to; "sum TAG ..." with
// "NAME CLIENT sum TAG LENGTH HASH", "give N TAG ..." with N bytes. SCTP's INIT is answered with
// INIT ACK, where raw sockets are allowed; nothing comes of the association. Prints "ready" once
// everything is bound. Ends on SIGTERM, on SIGINT, and when the name of its namespace is removed.
#define _GNU_SOURCE
#include "net.h"
#include "sctp.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_PORTS     32
#define MAX_LINE      65536
#define MAX_FILES     65536
#define NETNS_FOLDER  "/run/netns"
#define EVENTS_A_TURN 256

enum kind { LISTENER, DATAGRAMS, ASSOCIATIONS4, ASSOCIATIONS6, CONNECTION, SIGNALS, NAMESPACE };

enum mode {
	LINES,
	HTTP_HEADERS, // reading to the empty line before answering
	LINGER, // answered and shut; discards what still comes, for a RST would cut the answer
};

struct source {
	enum kind kind;
	int fd;
	// Below: connections only.
	enum mode mode;
	bool answered;
	bool ended; // the client sent its FIN
	char client[ENDPOINT_TEXT];
	struct buffer in;
	struct buffer out;
};

static const char *pod_name = "pod";
static const char *netns_name;
static uint16_t ports[MAX_PORTS] = {8080, 5353};
static int port_count;
static int poller;
static int spare_file; // given up for a moment to refuse a connection when descriptors run out
static bool stop;

static void die(const char *what)
{
	fprintf(stderr, "pod-server %s: %s: %s\n", pod_name, what, strerror(errno));
	exit(1);
}

static struct source *watch(enum kind kind, int fd)
{
	struct source *s = must(calloc(1, sizeof(*s)));
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = s};

	s->kind = kind;
	s->fd = fd;
	if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event))
		die("epoll_ctl");
	return s;
}

static void connection_close(struct source *c)
{
	close(c->fd);
	buffer_free(&c->in);
	buffer_free(&c->out);
	free(c);
}

// An answer is one line whatever was asked: what does not print becomes '?'.
static void append_printable(struct buffer *b, const char *text, size_t length)
{
	buffer_reserve(b, length);
	for (size_t i = 0; i < length; i++)
		b->data[b->used++] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
}

static void append_answer(struct buffer *b, const char *client, const char *line, size_t length)
{
	buffer_append(b, pod_name, strlen(pod_name));
	buffer_append(b, " ", 1);
	buffer_append(b, client, strlen(client));
	if (length) {
		buffer_append(b, " ", 1);
		append_printable(b, line, length);
	}
	buffer_append(b, "\n", 1);
}

static void answer_http(struct source *c)
{
	struct buffer body = {0};
	char head[160];

	append_answer(&body, c->client, "", 0);
	int n = snprintf(head, sizeof(head),
			 "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n"
			 "Connection: close\r\n\r\n",
			 body.used);
	buffer_append(&c->out, head, n);
	buffer_append(&c->out, body.data, body.used);
	buffer_free(&body);
	c->mode = LINGER;
}

static bool is_http(const char *line, size_t length)
{
	static const char version[] = " HTTP/1.";
	return length > sizeof(version) &&
	       (!memcmp(line, "GET ", 4) || !memcmp(line, "POST ", 5)) &&
	       memmem(line, length, version, sizeof(version) - 1);
}

// Answers the lines that are complete. Returns false when the line at hand is too long to be one.
static bool answer_lines(struct source *c)
{
	size_t taken = 0;

	while (c->mode != LINGER && c->out.used < MAX_LINE) {
		char *line = c->in.data + taken;
		char *end = c->in.used > taken ? memchr(line, '\n', c->in.used - taken) : NULL;
		if (!end)
			break;
		size_t length = end - line;
		taken += length + 1;
		if (length && line[length - 1] == '\r')
			length--;
		if (c->mode == HTTP_HEADERS) {
			if (!length)
				answer_http(c);
		} else if (!c->answered && is_http(line, length)) {
			c->mode = HTTP_HEADERS;
		} else {
			append_answer(&c->out, c->client, line, length);
		}
		c->answered = true;
	}
	if (taken)
		buffer_consume(&c->in, taken);
	if (c->mode == LINGER)
		c->in.used = 0;
	return c->in.used < MAX_LINE;
}

static void answer_end(struct source *c)
{
	if (c->mode == LINES && (c->in.used || !c->answered))
		append_answer(&c->out, c->client, c->in.data, c->in.used);
	c->in.used = 0;
	c->answered = true;
	c->mode = LINGER;
}

// Returns false when the connection is of no more use.
static bool flush(struct source *c)
{
	while (c->out.used) {
		ssize_t n = send(c->fd, c->out.data, c->out.used, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		buffer_consume(&c->out, n);
	}
	if (c->mode == LINGER) {
		if (c->ended)
			return false;
		shutdown(c->fd, SHUT_WR);
	}
	return true;
}

static bool serve(struct source *c, uint32_t events)
{
	char chunk[16384];

	if (events & EPOLLIN) {
		ssize_t n = recv(c->fd, chunk, sizeof(chunk), MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return false;
		if (n == 0)
			c->ended = true;
		if (n > 0 && c->mode != LINGER)
			buffer_append(&c->in, chunk, n);
	} else if (events & (EPOLLERR | EPOLLHUP)) {
		return false;
	}
	// A full answer buffer stops the parsing, and what was read waits: go on until neither
	// moves.
	size_t before;
	do {
		before = c->in.used;
		if (!answer_lines(c))
			return false;
		if (c->ended && !(c->in.used && memchr(c->in.data, '\n', c->in.used)))
			answer_end(c);
		if (!flush(c))
			return false;
	} while (c->in.used && c->in.used < before && !c->out.used);

	// A client that does not read its answers is not read from either.
	uint32_t wanted = c->out.used ? EPOLLOUT : EPOLLIN;
	struct epoll_event event = {.events = wanted, .data.ptr = c};
	return !epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &event);
}

static void accept_all(int listener)
{
	for (int i = 0; i < EVENTS_A_TURN; i++) {
		struct sockaddr_in6 from;
		socklen_t length = sizeof(from);
		int fd = accept4(listener, (struct sockaddr *)&from, &length,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0 && (errno == EMFILE || errno == ENFILE)) {
			close(spare_file);
			fd = accept(listener, NULL, NULL);
			if (fd >= 0)
				close(fd);
			spare_file = open("/dev/null", O_RDONLY | O_CLOEXEC);
			continue;
		}
		if (fd < 0)
			return;
		struct source *c = watch(CONNECTION, fd);
		endpoint_text(&from, c->client);
	}
}

// Large datagrams are answered with what they were, or asked for.
static bool answer_size(struct buffer *out, const char *client, const char *datagram, size_t length)
{
	char head[400];
	unsigned int tag, size;
	int n;

	if (sscanf(datagram, "sum %u ", &tag) == 1) {
		n = snprintf(head, sizeof(head), "%s %s sum %u %zu %" PRIu64 "\n", pod_name, client,
			     tag, length, digest(datagram, length));
		buffer_append(out, head, n);
		return true;
	}
	if (sscanf(datagram, "give %u %u ", &size, &tag) != 2 || size >= MAX_LINE)
		return false;
	n = snprintf(head, sizeof(head), "%s %s give %u ", pod_name, client, tag);
	buffer_append(out, head, n);
	buffer_reserve(out, size);
	while (out->used < size) {
		out->data[out->used] = pattern(tag, out->used);
		out->used++;
	}
	return true;
}

// The answer leaves from the address that was asked, which need not be the one routing would
// choose.
static void answer_datagrams(int fd)
{
	static char datagram[MAX_LINE + 1];
	static struct buffer out;

	for (int i = 0; i < EVENTS_A_TURN; i++) {
		char control[CMSG_SPACE(sizeof(struct in6_pktinfo))];
		struct sockaddr_in6 from;
		char client[ENDPOINT_TEXT];
		struct iovec vector = {.iov_base = datagram, .iov_len = MAX_LINE};
		struct msghdr message = {.msg_name = &from,
					 .msg_namelen = sizeof(from),
					 .msg_iov = &vector,
					 .msg_iovlen = 1,
					 .msg_control = control,
					 .msg_controllen = sizeof(control)};
		ssize_t n = recvmsg(fd, &message, MSG_DONTWAIT);
		if (n < 0)
			return;
		struct cmsghdr *c = CMSG_FIRSTHDR(&message);
		if (c && c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO)
			((struct in6_pktinfo *)CMSG_DATA(c))->ipi6_ifindex = 0;
		char *end = n ? memchr(datagram, '\n', n) : NULL;
		endpoint_text(&from, client);
		out.used = 0;
		datagram[n] = 0;
		if (!answer_size(&out, client, datagram, n))
			append_answer(&out, client, datagram, end ? end - datagram : n);
		vector.iov_base = out.data;
		vector.iov_len = out.used;
		// Lost like any datagram if it cannot be sent.
		sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
}

static int bound_socket(int type, uint16_t port)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	int on = 1, off = 0;
	int fd = socket(AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	// Not for UDP, where it would let two servers share a port in silence.
	if (type == SOCK_STREAM)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&any, sizeof(any))) {
		char what[40];
		snprintf(what, sizeof(what), "bind to port %u", port);
		die(what);
	}
	return fd;
}

static void serve_port(uint16_t port)
{
	int on = 1, room = 4 << 20;
	int tcp = bound_socket(SOCK_STREAM, port);
	int udp = bound_socket(SOCK_DGRAM, port);

	if (listen(tcp, SOMAXCONN))
		die("listen");
	setsockopt(udp, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
	// What is lost is to be the network's loss, not that of a server which waits for its CPU.
	setsockopt(udp, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	watch(LISTENER, tcp);
	watch(DATAGRAMS, udp);
}

static bool served(uint16_t port)
{
	for (int i = 0; i < port_count; i++)
		if (ports[i] == port)
			return true;
	return false;
}

// The address that was asked is the namespace's only one: routing chooses it for the answer.
static void answer_associations(int fd, int family)
{
	for (int i = 0; i < EVENTS_A_TURN; i++) {
		char data[2048];
		struct sctp_packet answer;
		union endpoint from;
		socklen_t size = sizeof(from);
		ssize_t n = recvfrom(fd, data, sizeof(data), MSG_DONTWAIT, &from.any, &size);

		if (n < 0)
			return;
		struct sctp_packet *asked = sctp_received(family, data, n);
		if (!asked || asked->type != SCTP_INIT || !served(ntohs(asked->dport)))
			continue;
		size_t length = sctp_make(&answer, SCTP_INIT_ACK, ntohs(asked->dport),
					  ntohs(asked->sport), asked->tag, ~asked->tag);
		if (family == AF_INET6)
			from.v6.sin6_port = 0;
		sendto(fd, &answer, length, MSG_DONTWAIT, &from.any, endpoint_length(&from));
	}
}

static void serve_associations(enum kind kind, int family)
{
	int fd = socket(family, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_SCTP);

	if (fd >= 0)
		watch(kind, fd);
}

static bool namespace_gone(void)
{
	char path[300];
	snprintf(path, sizeof(path), NETNS_FOLDER "/%s", netns_name);
	return access(path, F_OK) != 0;
}

static void watch_namespace(void)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	if (fd < 0 || inotify_add_watch(fd, NETNS_FOLDER, IN_DELETE) < 0)
		die("watch " NETNS_FOLDER);
	watch(NAMESPACE, fd);
	stop = namespace_gone();
}

static void watch_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	watch(SIGNALS, signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
}

static void handle(struct source *s, uint32_t events)
{
	char discard[4096];

	switch (s->kind) {
	case LISTENER:
		accept_all(s->fd);
		break;
	case DATAGRAMS:
		answer_datagrams(s->fd);
		break;
	case ASSOCIATIONS4:
		answer_associations(s->fd, AF_INET);
		break;
	case ASSOCIATIONS6:
		answer_associations(s->fd, AF_INET6);
		break;
	case CONNECTION:
		if (!serve(s, events))
			connection_close(s);
		break;
	case SIGNALS:
		stop = true;
		break;
	case NAMESPACE:
		while (read(s->fd, discard, sizeof(discard)) > 0)
			;
		stop = stop || namespace_gone();
		break;
	}
}

static int usage(void)
{
	fputs("usage: pod-server --name NAMESPACE/POD [--netns NAME] [--port PORT]...\n", stderr);
	return 2;
}

int main(int argc, char **argv)
{
	struct rlimit files = {.rlim_cur = MAX_FILES, .rlim_max = MAX_FILES};

	for (int i = 1; i < argc; i += 2) {
		if (i + 1 == argc)
			return usage();
		if (!strcmp(argv[i], "--name")) {
			pod_name = argv[i + 1];
		} else if (!strcmp(argv[i], "--netns")) {
			netns_name = argv[i + 1];
		} else if (!strcmp(argv[i], "--port") && port_count < MAX_PORTS) {
			int port = atoi(argv[i + 1]);
			if (port < 1 || port > 65535)
				return usage();
			ports[port_count++] = port;
		} else {
			return usage();
		}
	}
	setrlimit(RLIMIT_NOFILE, &files); // without privilege: whatever the limit is
	poller = epoll_create1(EPOLL_CLOEXEC);
	spare_file = open("/dev/null", O_RDONLY | O_CLOEXEC);
	watch_signals();
	if (!port_count)
		port_count = 2;
	for (int i = 0; i < port_count; i++)
		serve_port(ports[i]);
	serve_associations(ASSOCIATIONS4, AF_INET);
	serve_associations(ASSOCIATIONS6, AF_INET6);
	if (netns_name)
		watch_namespace();
	puts("ready");
	fclose(stdout);
	while (!stop) {
		struct epoll_event events[EVENTS_A_TURN];
		int n = epoll_wait(poller, events, EVENTS_A_TURN, -1);
		for (int i = 0; i < n; i++)
			handle(events[i].data.ptr, events[i].events);
	}
	return 0;
}
