// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
// As much of SCTP as asks for an association, and is answered: over raw sockets, because many
// kernels have no SCTP of their own.
#ifndef SLUICE_LAB_SCTP_H
#define SLUICE_LAB_SCTP_H

#include "net.h"

#ifndef IPPROTO_SCTP
#define IPPROTO_SCTP 132
#endif

enum sctp_type { SCTP_INIT = 1, SCTP_INIT_ACK = 2 };

// The common header, one chunk, and what INIT ACK must carry besides: a cookie.
struct sctp_packet {
	uint16_t sport;
	uint16_t dport;
	uint32_t verification;
	uint32_t crc;
	uint8_t type;
	uint8_t flags;
	uint16_t length;
	uint32_t tag;
	uint32_t window;
	uint16_t streams_out;
	uint16_t streams_in;
	uint32_t sequence;
	uint16_t cookie_type;
	uint16_t cookie_length;
	uint32_t cookie;
};

#define SCTP_COOKIE 8
#define SCTP_BARE   (sizeof(struct sctp_packet) - SCTP_COOKIE)

// CRC32c (RFC 9260, appendix A), bit by bit: packets are few and small.
static inline uint32_t sctp_crc(const void *data, size_t length)
{
	const uint8_t *bytes = data;
	uint32_t crc = ~0u;

	for (size_t i = 0; i < length; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
	}
	return ~crc;
}

// Ports in host order. Returns the packet's size.
static inline size_t sctp_make(struct sctp_packet *p, enum sctp_type type, uint16_t sport,
			       uint16_t dport, uint32_t verification, uint32_t tag)
{
	size_t size = type == SCTP_INIT ? SCTP_BARE : sizeof(*p);

	memset(p, 0, sizeof(*p));
	p->sport = htons(sport);
	p->dport = htons(dport);
	p->verification = verification;
	p->type = type;
	p->length = htons(size - 12);
	p->tag = tag;
	p->window = htonl(65536);
	p->streams_out = htons(1);
	p->streams_in = htons(1);
	p->cookie_type = htons(7);
	p->cookie_length = htons(SCTP_COOKIE);
	p->crc = htole32(sctp_crc(p, size));
	return size;
}

// What a raw socket has received as SCTP; NULL if it is too short or damaged.
static inline struct sctp_packet *sctp_received(int family, char *data, size_t length)
{
	// IPv4's raw sockets give the IP header, too.
	size_t header = family == AF_INET && length ? (data[0] & 15) * 4 : 0;

	if (length < header + SCTP_BARE)
		return NULL;
	struct sctp_packet *p = (struct sctp_packet *)(data + header);
	uint32_t crc = p->crc;
	p->crc = 0;
	bool right = le32toh(crc) == sctp_crc(p, length - header);
	p->crc = crc;
	return right ? p : NULL;
}

#endif
