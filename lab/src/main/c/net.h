// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
// What the pod server and its client share: growing buffers, and addresses as text.
#ifndef SLUICE_LAB_NET_H
#define SLUICE_LAB_NET_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// "[" address "]:" port and the terminator.
#define ENDPOINT_TEXT (INET6_ADDRSTRLEN + 10)

union endpoint {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

struct buffer {
	char *data;
	size_t used;
	size_t room;
};

// Ends the program: neither side has anything better to do without memory.
static inline void *must(void *memory)
{
	if (!memory) {
		fputs("out of memory\n", stderr);
		exit(1);
	}
	return memory;
}

static inline void buffer_reserve(struct buffer *b, size_t more)
{
	if (b->room - b->used >= more)
		return;
	size_t room = b->room ? b->room : 256;
	while (room - b->used < more)
		room *= 2;
	b->data = must(realloc(b->data, room));
	b->room = room;
}

static inline void buffer_append(struct buffer *b, const void *data, size_t length)
{
	buffer_reserve(b, length);
	memcpy(b->data + b->used, data, length);
	b->used += length;
}

static inline void buffer_consume(struct buffer *b, size_t length)
{
	b->used -= length;
	memmove(b->data, b->data + length, b->used);
}

static inline void buffer_free(struct buffer *b)
{
	free(b->data);
	memset(b, 0, sizeof(*b));
}

// "10.244.1.2:4000" or "[fd00::2]:4000"; an IPv4 address mapped into IPv6 is shown as IPv4.
static inline void endpoint_text(const struct sockaddr_in6 *from, char out[ENDPOINT_TEXT])
{
	char address[INET6_ADDRSTRLEN];

	if (IN6_IS_ADDR_V4MAPPED(&from->sin6_addr)) {
		inet_ntop(AF_INET, &from->sin6_addr.s6_addr[12], address, sizeof(address));
		snprintf(out, ENDPOINT_TEXT, "%s:%u", address, ntohs(from->sin6_port));
	} else {
		inet_ntop(AF_INET6, &from->sin6_addr, address, sizeof(address));
		snprintf(out, ENDPOINT_TEXT, "[%s]:%u", address, ntohs(from->sin6_port));
	}
}

// What data is made of: printable, and different at each place of each request.
static inline char pattern(uint32_t request, uint32_t place)
{
	uint32_t x = (request + 1) * 2654435761u ^ (place + 1) * 2246822519u;

	x ^= x >> 15;
	x *= 2654435761u;
	return '0' + (x >> 16) % 75;
}

// FNV-1a: what one side has and the other had is the same data.
static inline uint64_t digest(const char *data, size_t length)
{
	uint64_t hash = 14695981039346656037ull;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (unsigned char)data[i]) * 1099511628211ull;
	return hash;
}

// Returns the address family, or 0 where the text is no address.
static inline int endpoint_parse(union endpoint *to, const char *address, uint16_t port)
{
	memset(to, 0, sizeof(*to));
	if (inet_pton(AF_INET, address, &to->v4.sin_addr) == 1) {
		to->v4.sin_family = AF_INET;
		to->v4.sin_port = htons(port);
		return AF_INET;
	}
	if (inet_pton(AF_INET6, address, &to->v6.sin6_addr) == 1) {
		to->v6.sin6_family = AF_INET6;
		to->v6.sin6_port = htons(port);
		return AF_INET6;
	}
	return 0;
}

static inline socklen_t endpoint_length(const union endpoint *e)
{
	return e->any.sa_family == AF_INET ? sizeof(e->v4) : sizeof(e->v6);
}

#endif
