/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The hash by which a flow finds its slot of a Maglev table. All nodes, of whatever byte order,
 * must get the same one, so it is defined by bytes: MurmurHash3_x86_32 with seed 0 over
 *
 *   source address (4 or 16 bytes), destination address (likewise), source port (2), destination
 *   port (2), protocol (1), three zero bytes
 *
 * as they are in the packet, the destination being the service's frontend. MurmurHash3 reads words
 * with the first byte lowest.
 */
#pragma once

#include "family.h"
#include "types.h"

/* Four bytes as they lie in memory, the first lowest. */
static __always_inline __u32 bytes_as_word(__be32 word)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return (__u32)word;
#else
	return __builtin_bswap32((__u32)word);
#endif
}

static __always_inline __u32 rotate_left(__u32 word, int bits)
{
	return word << bits | word >> (32 - bits);
}

static __always_inline __u32 hash_word(__u32 hash, __u32 word)
{
	hash ^= rotate_left(word * 0xcc9e2d51, 15) * 0x1b873593;
	return rotate_left(hash, 13) * 5 + 0xe6546b64;
}

static __always_inline __u32 F(tuple_hash)(const struct F(addr) *saddr, const struct F(addr) *daddr,
					   __be16 sport, __be16 dport, __u8 proto)
{
	union {
		__be16 port[2];
		__be32 word;
	} ports = {.port = {sport, dport}};
	__u32 hash = 0;

	for (int i = 0; i < ADDR_WORDS; i++)
		hash = hash_word(hash, bytes_as_word(saddr->w[i]));
	for (int i = 0; i < ADDR_WORDS; i++)
		hash = hash_word(hash, bytes_as_word(daddr->w[i]));
	hash = hash_word(hash, bytes_as_word(ports.word));
	hash = hash_word(hash, proto);
	hash ^= 8 * ADDR_WORDS + 8; /* bytes hashed */
	hash ^= hash >> 16;
	hash *= 0x85ebca6b;
	hash ^= hash >> 13;
	hash *= 0xc2b2ae35;
	return hash ^ hash >> 16;
}
