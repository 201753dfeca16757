/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Internet checksums by difference (RFC 1624), and CRC32c for SCTP (RFC 9260, appendix A).
 *
 * Sums are one's complement and run over 16-bit words as they lie in memory: byte order does not
 * matter as long as it is the same throughout.
 */
#pragma once

#include "parse.h"

static __always_inline __u16 csum_fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* What replacing "from" by "to" adds to a sum. */
static __always_inline __u32 csum_replace16(__u16 from, __u16 to)
{
	return (__u32)(__u16)~from + to;
}

static __always_inline __u32 csum_replace_addr(const struct F(addr) *from, const struct F(addr) *to)
{
	__u32 sum = 0;

	for (int i = 0; i < ADDR_WORDS; i++)
		sum += csum_replace16(from->w[i], to->w[i]) +
		       csum_replace16(from->w[i] >> 16, to->w[i] >> 16);
	return sum;
}

/* Adds a folded difference to a checksum field, which holds a sum's complement. */
static __always_inline __u16 csum_apply(__u16 check, __u32 difference)
{
	return ~csum_fold((__u16)~check + difference);
}

/* CRC32c's polynomial, bits reversed. */
#define CRC32C_POLYNOMIAL 0x82f63b78

/* x^(8 * 2^i) modulo the polynomial, bits reversed: what 2^i further bytes multiply a CRC with. */
static const __u32 crc32c_shift[16] = {
    0x00800000, 0x00008000, 0x82f63b78, 0x6ea2d55c, 0x18b8ea18, 0x510ac59a, 0xb82be955, 0xb8fdb1e7,
    0x88e56f72, 0x74c360a4, 0xe4172b16, 0x0d65762a, 0x35d73a62, 0x28461564, 0xbf455269, 0xe2ea32dc,
};

static __always_inline __u32 crc32c_multiply(__u32 a, __u32 b)
{
	__u32 product = 0;

	for (int i = 0; i < 32; i++) {
		product ^= b & -(a >> 31);
		a <<= 1;
		b = (b >> 1) ^ (CRC32C_POLYNOMIAL & -(b & 1));
	}
	return product;
}

/*
 * What a change of the first four bytes of a message adds (by exclusive or) to its CRC32c, for the
 * CRC is linear: the change's own CRC, moved on by the bytes that follow.
 *
 * change: exclusive or of old and new bytes; follow: number of bytes after them, below 65536
 *
 * Not static: so the verifier looks at its loops once, and not on each way that leads here.
 */
__noinline __u32 crc32c_change(__u32 change, __u32 follow)
{
	__u32 crc = __le32_to_cpu(change);

	for (int i = 0; i < 32; i++)
		crc = (crc >> 1) ^ (CRC32C_POLYNOMIAL & -(crc & 1));
	for (int i = 0; i < 16; i++)
		if (follow & (1 << i))
			crc = crc32c_multiply(crc32c_shift[i], crc);
	return crc;
}
