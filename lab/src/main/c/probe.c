// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/errqueue.h>
#include <linux/udp.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_SIZE     65507
#define MAX_SEGMENTS 128 // the kernel's limit was 64, and is 128
#define MAX_ERRORS   64
#define TAG_STEP     1000 // between the tags of two sends

// What the network, or this host, said of a datagram.
struct complaint {
	int origin; // SO_EE_ORIGIN_...
	int type;
	int code;
	int error;
	uint32_t info; // the MTU, where it is too big
	char from[ENDPOINT_TEXT];
	bool quoted_wrong; // what it quotes is not what was sent
};

static struct probe_options options;
static char sent[MAX_SIZE + 1];
static unsigned int tags, answered; // of the send at hand
static unsigned int datagrams, exact, wrong, late, complaints, refused;
static struct complaint complaint[MAX_ERRORS];
static char pod[256], seen[ENDPOINT_TEXT];
static const char *send_error = "";

static uint64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ull + t.tv_nsec / 1000000;
}

static unsigned int segment_size(void)
{
	return options.segment ? options.segment : options.size;
}

// Of the send at hand: segment SEGMENT.
static char *segment_of(unsigned int segment, unsigned int *length)
{
	unsigned int from = segment * segment_size();

	*length = options.size - from < segment_size() ? options.size - from : segment_size();
	return sent + from;
}

static void build(unsigned int number)
{
	tags = answered = 0;
	if (options.give) {
		options.size =
		    snprintf(sent, sizeof(sent), "give %u %u ", options.give, number * TAG_STEP);
		tags = 1;
		return;
	}
	for (unsigned int i = 0; i < options.size; i++)
		sent[i] = pattern(number, i);
	for (unsigned int from = 0; from < options.size; from += segment_size(), tags++) {
		char head[32];
		unsigned int length;
		int n = snprintf(head, sizeof(head), "sum %u ", number * TAG_STEP + tags);
		char *segment = segment_of(tags, &length);
		memcpy(segment, head, (unsigned int)n < length ? (unsigned int)n : length);
	}
}

static void transmit(int fd)
{
	char control[CMSG_SPACE(sizeof(uint16_t))] = {0};
	struct iovec vector = {.iov_base = sent, .iov_len = options.size};
	struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
	uint16_t segment = options.segment;

	if (segment && !options.give) {
		message.msg_control = control;
		message.msg_controllen = sizeof(control);
		struct cmsghdr *c = CMSG_FIRSTHDR(&message);
		c->cmsg_level = IPPROTO_UDP;
		c->cmsg_type = UDP_SEGMENT;
		c->cmsg_len = CMSG_LEN(sizeof(segment));
		memcpy(CMSG_DATA(c), &segment, sizeof(segment));
	}
	datagrams += tags;
	// An error that an earlier send was answered with is told first; it is in the queue, too.
	for (int attempt = 0; attempt < 3; attempt++) {
		if (sendmsg(fd, &message, 0) >= 0)
			return;
		if (errno != ECONNREFUSED && errno != EHOSTUNREACH)
			break;
	}
	refused++;
	send_error = strerrorname_np(errno);
}

// "NAME CLIENT sum TAG LENGTH HASH", or "NAME CLIENT give TAG " and the pattern.
static void judge(char *answer, ssize_t length, unsigned int number)
{
	char what[8];
	unsigned int tag, size, of;
	uint64_t hash;
	int end = 0;

	answer[length] = 0;
	if (sscanf(answer, "%255s %63s %7s %u %n", pod, seen, what, &tag, &end) < 4) {
		wrong++;
		return;
	}
	if (tag / TAG_STEP != number) {
		late++;
		return;
	}
	answered++;
	bool good = false;
	if (options.give) {
		good = !strcmp(what, "give") && length == options.give;
		for (ssize_t i = end; good && i < length; i++)
			good = answer[i] == pattern(tag, i);
	} else if (tag % TAG_STEP < tags &&
		   sscanf(answer + end, "%u %" SCNu64, &size, &hash) == 2) {
		char *segment = segment_of(tag % TAG_STEP, &of);
		good = size == of && hash == digest(segment, of);
	}
	*(good ? &exact : &wrong) += 1;
}

static bool quotes_something_else(const char *quoted, ssize_t length)
{
	unsigned int tag, of;

	if (length < 12 || options.give)
		return false; // too little to say
	char text[32] = {0};
	memcpy(text, quoted, length < 31 ? length : 31);
	if (sscanf(text, "sum %u ", &tag) != 1)
		return true;
	tag %= TAG_STEP;
	if (tag >= tags)
		return false; // of another send
	char *segment = segment_of(tag, &of);
	return memcmp(quoted, segment, of < length ? of : length) != 0;
}

static void offender(const struct sockaddr *from, char out[ENDPOINT_TEXT])
{
	out[0] = 0;
	if (from->sa_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *)from)->sin_addr, out,
			  ENDPOINT_TEXT);
	else if (from->sa_family == AF_INET6)
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)from)->sin6_addr, out,
			  ENDPOINT_TEXT);
}

static void hear_complaints(int fd)
{
	char control[512], quoted[MAX_SIZE];

	for (;;) {
		struct iovec vector = {.iov_base = quoted, .iov_len = sizeof(quoted)};
		struct msghdr message = {.msg_iov = &vector,
					 .msg_iovlen = 1,
					 .msg_control = control,
					 .msg_controllen = sizeof(control)};
		ssize_t n = recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT);
		if (n < 0)
			return;
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
			if ((c->cmsg_level != IPPROTO_IP || c->cmsg_type != IP_RECVERR) &&
			    (c->cmsg_level != IPPROTO_IPV6 || c->cmsg_type != IPV6_RECVERR))
				continue;
			struct sock_extended_err *e = (void *)CMSG_DATA(c);
			if (complaints < MAX_ERRORS) {
				struct complaint *told = &complaint[complaints];
				*told = (struct complaint){.origin = e->ee_origin,
							   .type = e->ee_type,
							   .code = e->ee_code,
							   .error = e->ee_errno,
							   .info = e->ee_info};
				offender(SO_EE_OFFENDER(e), told->from);
				told->quoted_wrong = quotes_something_else(quoted, n);
			}
			complaints++;
		}
	}
}

// Returns once all of a send is answered, or something was said about it, or time is over.
static void await(int fd, unsigned int number)
{
	static char answer[MAX_SIZE + 1];
	uint64_t end = now_ms() + options.timeout_ms;
	unsigned int before = complaints;

	while (answered < tags && complaints == before && now_ms() < end) {
		struct pollfd watched = {.fd = fd, .events = POLLIN};
		poll(&watched, 1, end - now_ms());
		hear_complaints(fd);
		ssize_t n = recv(fd, answer, sizeof(answer) - 1, MSG_DONTWAIT);
		if (n >= 0)
			judge(answer, n, number);
	}
}

static int open_socket(void)
{
	union endpoint to, from;
	int on = 1, room = 4 << 20, ttl = options.ttl;
	int family = endpoint_parse(&to, options.target, options.port);
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	// Whatever was learnt about the path before is not asked.
	int discover = options.fragment ? IP_PMTUDISC_DONT : IP_PMTUDISC_PROBE;

	bool v6 = family == AF_INET6;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
	if (v6) {
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof(on));
		setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &discover, sizeof(discover));
	} else {
		setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on));
		setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &discover, sizeof(discover));
	}
	if (ttl && v6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &ttl, sizeof(ttl));
	else if (ttl)
		setsockopt(fd, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl));
	endpoint_parse(&from,
		       options.source ? options.source
		       : v6	      ? "::"
				      : "0.0.0.0",
		       options.source_port);
	if (bind(fd, &from.any, endpoint_length(&from)) ||
	    connect(fd, &to.any, endpoint_length(&to))) {
		fprintf(stderr, "pod-client: %s\n", strerror(errno));
		exit(1);
	}
	return fd;
}

static void print(void)
{
	printf("{\"datagrams\":%u,\"exact\":%u,\"wrong\":%u,\"late\":%u,\"pod\":\"%s\","
	       "\"seen\":\"%s\",\"refused\":%u,\"refusal\":\"%s\",\"complaints\":%u,\"said\":[",
	       datagrams, exact, wrong, late, pod, seen, refused, send_error, complaints);
	for (unsigned int i = 0; i < complaints && i < MAX_ERRORS; i++) {
		const struct complaint *e = &complaint[i];
		const char *name = strerrorname_np(e->error);
		printf("%s{\"icmp\":%s,\"type\":%d,\"code\":%d,\"error\":\"%s\",\"info\":%u,"
		       "\"from\":\"%s\",\"quotedWrong\":%s}",
		       i ? "," : "", e->origin == SO_EE_ORIGIN_LOCAL ? "false" : "true", e->type,
		       e->code, name ? name : "", e->info, e->from,
		       e->quoted_wrong ? "true" : "false");
	}
	puts("]}");
}

int probe_run(const struct probe_options *given)
{
	options = *given;
	if (options.size > MAX_SIZE)
		options.size = MAX_SIZE;
	int fd = open_socket();
	for (unsigned int i = 0; i < options.count; i++) {
		build(i);
		transmit(fd);
		await(fd, i);
	}
	print();
	close(fd);
	return exact == datagrams ? 0 : 1;
}
