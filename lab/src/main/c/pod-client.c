// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
// The lab's traffic client: asks pod servers, over and over or once. See usage() below.
#define _GNU_SOURCE
#include "load.h"
#include "probe.h"

#include <errno.h>
#include <getopt.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static int usage(void)
{
	fputs(
	    "usage: pod-client load --target ADDRESS --port PORT [--proto tcp|udp]\n"
	    "         --rate N                      N new flows a second, a request each; or\n"
	    "         --connections M [--interval MS]  M flows that stay, a request every MS\n"
	    "         [--count REQUESTS] [--duration MS] [--timeout MS] [--source ADDRESS]\n"
	    "         [--source-port PORT] [--reset] [--no-checksum]\n"
	    "         [--size BYTES]                of a request, compared when it comes back\n"
	    "         [--progress]\n"
	    "       pod-client probe --target ADDRESS --port PORT --size BYTES [--segment BYTES]\n"
	    "         [--give BYTES] [--count SENDS] [--ttl HOPS] [--fragment] [--timeout MS]\n"
	    "         [--source ADDRESS] [--source-port PORT]\n"
	    "       pod-client get ADDRESS PORT PATH [TIMEOUT-MS]\n"
	    "       pod-client request METHOD ADDRESS PORT PATH [TIMEOUT-MS]  body from stdin\n",
	    stderr);
	return 2;
}

// Sets *OUT to the number in TEXT, which must lie within [LOW, HIGH].
static bool number(const char *text, unsigned long low, unsigned long high, unsigned long *out)
{
	char *end;

	errno = 0;
	*out = strtoul(text, &end, 10);
	return !errno && end != text && !*end && *text != '-' && *out >= low && *out <= high;
}

static bool parse_option(int option, const char *value, struct load_options *o)
{
	union endpoint ignored;
	unsigned long n = 0;
	bool good = true;

	switch (option) {
	case 'T':
		o->target = value;
		return endpoint_parse(&ignored, value, 0);
	case 's':
		o->source = value;
		return endpoint_parse(&ignored, value, 0);
	case 'P':
		o->udp = !strcmp(value, "udp");
		return o->udp || !strcmp(value, "tcp");
	case 'p':
		good = number(value, 1, 65535, &n);
		o->port = n;
		return good;
	case 'S':
		good = number(value, 1, 65535, &n);
		o->source_port = n;
		return good;
	case 'r':
		good = number(value, 1, 1000000, &n);
		o->rate = n;
		return good;
	case 'c':
		good = number(value, 1, 16384, &n);
		o->connections = n;
		return good;
	case 'i':
		good = number(value, 1, 3600000, &n);
		o->interval_ms = n;
		return good;
	case 'n':
		good = number(value, 1, UINT32_MAX, &n);
		o->count = n;
		return good;
	case 'd':
		good = number(value, 1, 86400000, &n);
		o->duration_ms = n;
		return good;
	case 't':
		good = number(value, 1, 600000, &n);
		o->timeout_ms = n;
		return good;
	case 'z':
		good = number(value, 1, 32000, &n);
		o->size = n;
		return good;
	case 'R':
		return o->reset = true;
	case 'C':
		return o->no_checksum = true;
	case 'v':
		return o->progress = true;
	}
	return false;
}

static int load(int argc, char **argv)
{
	static const struct option names[] = {
	    {"target", required_argument, NULL, 'T'},
	    {"source", required_argument, NULL, 's'},
	    {"proto", required_argument, NULL, 'P'},
	    {"port", required_argument, NULL, 'p'},
	    {"source-port", required_argument, NULL, 'S'},
	    {"rate", required_argument, NULL, 'r'},
	    {"connections", required_argument, NULL, 'c'},
	    {"interval", required_argument, NULL, 'i'},
	    {"count", required_argument, NULL, 'n'},
	    {"duration", required_argument, NULL, 'd'},
	    {"timeout", required_argument, NULL, 't'},
	    {"size", required_argument, NULL, 'z'},
	    {"reset", no_argument, NULL, 'R'},
	    {"no-checksum", no_argument, NULL, 'C'},
	    {"progress", no_argument, NULL, 'v'},
	    {NULL, 0, NULL, 0},
	};
	struct load_options o = {.interval_ms = 100, .timeout_ms = 3000};
	int option, index = -1;

	while ((option = getopt_long(argc, argv, "", names, &index)) != -1) {
		if (option == '?')
			return usage();
		if (!parse_option(option, optarg, &o)) {
			fprintf(stderr, "pod-client: --%s: bad value %s\n", names[index].name,
				optarg);
			return 2;
		}
	}
	if (optind < argc || !o.target || !o.port || !o.rate == !o.connections)
		return usage();
	return load_run(&o);
}

static bool parse_probe(int option, const char *value, struct probe_options *o)
{
	unsigned long n = 0;
	union endpoint ignored;

	switch (option) {
	case 'T':
		o->target = value;
		return endpoint_parse(&ignored, value, 0);
	case 's':
		o->source = value;
		return endpoint_parse(&ignored, value, 0);
	case 'f':
		return o->fragment = true;
	}
	if (!number(value, 1, 600000, &n))
		return false;
	switch (option) {
	case 'p':
		o->port = n;
		return n <= 65535;
	case 'S':
		o->source_port = n;
		return n <= 65535;
	case 'z':
		o->size = n;
		return n >= 16 && n <= 65507;
	case 'g':
		o->segment = n;
		return n >= 16 && n <= 65507;
	case 'G':
		o->give = n;
		return n <= 65507;
	case 'c':
		o->count = n;
		return true;
	case 'h':
		o->ttl = n;
		return n <= 255;
	case 't':
		o->timeout_ms = n;
		return true;
	}
	return false;
}

static int probe(int argc, char **argv)
{
	static const struct option names[] = {
	    {"target", required_argument, NULL, 'T'}, {"port", required_argument, NULL, 'p'},
	    {"source", required_argument, NULL, 's'}, {"source-port", required_argument, NULL, 'S'},
	    {"size", required_argument, NULL, 'z'},   {"segment", required_argument, NULL, 'g'},
	    {"give", required_argument, NULL, 'G'},   {"count", required_argument, NULL, 'c'},
	    {"ttl", required_argument, NULL, 'h'},    {"timeout", required_argument, NULL, 't'},
	    {"fragment", no_argument, NULL, 'f'},     {NULL, 0, NULL, 0},
	};
	struct probe_options o = {.size = 64, .count = 1, .timeout_ms = 2000};
	int option, index = -1;

	while ((option = getopt_long(argc, argv, "", names, &index)) != -1) {
		if (option == '?')
			return usage();
		if (!parse_probe(option, optarg, &o)) {
			fprintf(stderr, "pod-client: --%s: bad value %s\n", names[index].name,
				optarg);
			return 2;
		}
	}
	if (optind < argc || !o.target || !o.port)
		return usage();
	return probe_run(&o);
}

// An HTTP exchange: the answer's status and body, or -1 as the status, having said why.
struct answer {
	int status;
	const char *body;
	size_t length;
};

static struct answer failed(const char *address, const char *port, const char *reason)
{
	fprintf(stderr, "pod-client: %s port %s: %s\n", address, port, reason);
	return (struct answer){.status = -1};
}

static bool send_all(int fd, const char *data, size_t length)
{
	while (length) {
		ssize_t sent = send(fd, data, length, MSG_NOSIGNAL);

		if (sent <= 0)
			return false;
		data += sent;
		length -= sent;
	}
	return true;
}

// HTTP/1.0, so that the end of the stream is the end of the body.
static struct answer exchange(const char *method, const union endpoint *to, char **where,
			      const struct buffer *body, unsigned long timeout_ms)
{
	struct timeval timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1000};
	const char *address = where[0], *port = where[1], *path = where[2];
	static struct buffer received; // what is returned points into it
	char head[1024], chunk[16384];
	ssize_t got;

	int fd = socket(to->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	int length =
	    snprintf(head, sizeof(head), "%s %s HTTP/1.0\r\nHost: %s\r\n", method, path, address);
	if (body && length < (int)sizeof(head))
		length += snprintf(head + length, sizeof(head) - length,
				   "Content-Type: application/yaml\r\nContent-Length: %zu\r\n",
				   body->used);
	if (length + 2 >= (int)sizeof(head))
		return failed(address, port, "the path is too long");
	memcpy(head + length, "\r\n", 2);
	if (connect(fd, &to->any, endpoint_length(to)) || !send_all(fd, head, length + 2) ||
	    (body && !send_all(fd, body->data, body->used)))
		return failed(address, port, strerror(errno));
	while ((got = recv(fd, chunk, sizeof(chunk), 0)) > 0)
		buffer_append(&received, chunk, got);
	// A server that has answered may close before it has read all of a request.
	if (got < 0 && !received.used)
		return failed(address, port, strerror(errno));
	buffer_append(&received, "", 1);
	const char *start = strstr(received.data, "\r\n\r\n");
	if (!start || strncmp(received.data, "HTTP/1.", 7) || received.used < 13)
		return failed(address, port, "not HTTP");
	start += 4;
	return (struct answer){atoi(received.data + 9), start,
			       received.data + received.used - 1 - start};
}

static int get(char **where, const union endpoint *to, unsigned long timeout_ms)
{
	struct answer answer = exchange("GET", to, where, NULL, timeout_ms);

	if (answer.status < 0)
		return 1;
	fwrite(answer.body, 1, answer.length, stdout);
	if (answer.status / 100 == 2)
		return 0;
	fprintf(stderr, "pod-client: status %d\n", answer.status);
	return 1;
}

// A request with stdin as its body; prints a line with the status, and then the answer's body.
static int request(const char *method, char **where, const union endpoint *to,
		   unsigned long timeout_ms)
{
	struct buffer body = {0};
	char chunk[16384];
	size_t got;

	while ((got = fread(chunk, 1, sizeof(chunk), stdin)) > 0)
		buffer_append(&body, chunk, got);
	struct answer answer = exchange(method, to, where, &body, timeout_ms);

	if (answer.status < 0)
		return 1;
	printf("%d\n", answer.status);
	fwrite(answer.body, 1, answer.length, stdout);
	return 0;
}

int main(int argc, char **argv)
{
	unsigned long timeout_ms = 2000, port;
	union endpoint to;

	if (argc > 1 && !strcmp(argv[1], "load"))
		return load(argc - 1, argv + 1);
	if (argc > 1 && !strcmp(argv[1], "probe"))
		return probe(argc - 1, argv + 1);
	int http = argc > 1 && !strcmp(argv[1], "get")	     ? 2
		   : argc > 2 && !strcmp(argv[1], "request") ? 3
							     : 0;
	char **where = argv + http;
	if (!http || argc < http + 3 || argc > http + 4 ||
	    (argc == http + 4 && !number(where[3], 1, 600000, &timeout_ms)) ||
	    !number(where[1], 1, 65535, &port) || !endpoint_parse(&to, where[0], port))
		return usage();
	return http == 2 ? get(where, &to, timeout_ms) : request(argv[2], where, &to, timeout_ms);
}
