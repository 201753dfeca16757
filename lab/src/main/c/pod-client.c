// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
// The lab's traffic client: asks pod servers, over and over or once. See usage() below.
#define _GNU_SOURCE
#include "load.h"

#include <errno.h>
#include <getopt.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static int usage(void)
{
	fputs("usage: pod-client load --target ADDRESS --port PORT [--proto tcp|udp]\n"
	      "         --rate N                      N new flows a second, a request each; or\n"
	      "         --connections M [--interval MS]  M flows that stay, a request every MS\n"
	      "         [--count REQUESTS] [--duration MS] [--timeout MS] [--source ADDRESS]\n"
	      "         [--source-port PORT] [--reset] [--no-checksum]\n"
	      "         [--progress]\n"
	      "       pod-client get ADDRESS PORT PATH [TIMEOUT-MS]\n",
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

// HTTP/1.0, so that the end of the stream is the end of the body.
static int get(const char *address, const char *port, const char *path, unsigned long timeout_ms)
{
	struct timeval timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1000};
	struct buffer answer = {0};
	union endpoint to;
	unsigned long n;
	char request[1024], chunk[16384];
	ssize_t got;

	if (!number(port, 1, 65535, &n) || !endpoint_parse(&to, address, n))
		return usage();
	int fd = socket(to.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	int length = snprintf(request, sizeof(request), "GET %s HTTP/1.0\r\nHost: %s\r\n\r\n", path,
			      address);
	if (length >= (int)sizeof(request))
		return usage();
	if (connect(fd, &to.any, endpoint_length(&to)) ||
	    send(fd, request, length, MSG_NOSIGNAL) != length) {
		fprintf(stderr, "pod-client: %s port %s: %s\n", address, port, strerror(errno));
		return 1;
	}
	while ((got = recv(fd, chunk, sizeof(chunk), 0)) > 0)
		buffer_append(&answer, chunk, got);
	if (got < 0) {
		fprintf(stderr, "pod-client: %s port %s: %s\n", address, port, strerror(errno));
		return 1;
	}
	buffer_append(&answer, "", 1);
	char *body = strstr(answer.data, "\r\n\r\n");
	if (!body || strncmp(answer.data, "HTTP/1.", 7) || answer.used < 13) {
		fprintf(stderr, "pod-client: %s port %s: not HTTP\n", address, port);
		return 1;
	}
	body += 4;
	fwrite(body, 1, answer.data + answer.used - 1 - body, stdout);
	if (answer.data[9] == '2')
		return 0;
	fprintf(stderr, "pod-client: status %.3s\n", answer.data + 9);
	return 1;
}

int main(int argc, char **argv)
{
	unsigned long timeout_ms = 2000;

	if (argc > 1 && !strcmp(argv[1], "load"))
		return load(argc - 1, argv + 1);
	if (argc > 4 && argc < 7 && !strcmp(argv[1], "get")) {
		if (argc == 6 && !number(argv[5], 1, 600000, &timeout_ms))
			return usage();
		return get(argv[2], argv[3], argv[4], timeout_ms);
	}
	return usage();
}
