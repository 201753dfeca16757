/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Numbers of protocols that the kernel's headers do not give, for programs of either family. */
#pragma once

#include <linux/in.h>
#include <linux/types.h>

#ifndef IPPROTO_SCTP
#define IPPROTO_SCTP 132
#endif

/* Bits of the third 16-bit word of an IPv4 header (RFC 791, 3.1). */
enum ip_frag {
	IP_MORE_FRAGMENTS = 0x2000,
	IP_FRAGMENT_OFFSET = 0x1fff,
	IP6_FRAGMENT_OFFSET = 0xfff8, /* of a fragment header's second word (RFC 8200, 4.5) */
};

/* ICMP (RFC 792) and ICMPv6 (RFC 4443): <linux/icmp.h> needs a C library, which there is not here.
 */
enum icmp_type {
	ICMP_ECHO_REPLY = 0,
	ICMP_UNREACHABLE = 3,
	ICMP_SOURCE_QUENCH = 4,
	ICMP_REDIRECT = 5,
	ICMP_ECHO_REQUEST = 8,
	ICMP_TIME_EXCEEDED = 11,
	ICMP_PARAMETER_PROBLEM = 12,
	ICMP_CODE_PORT_UNREACHABLE = 3,
	ICMP_CODE_FRAGMENTATION_NEEDED = 4, /* RFC 1191: next-hop MTU in the last 16 bits */

	ICMP6_UNREACHABLE = 1,
	ICMP6_TIME_EXCEEDED = 3,
	ICMP6_TOO_BIG = 2,		 /* RFC 4443, 3.2: MTU in the last 32 bits */
	ICMP6_FIRST_INFORMATIONAL = 128, /* types below report errors */
	ICMP6_ECHO_REQUEST = 128,
	ICMP6_ECHO_REPLY = 129,
	ICMP6_FIRST_ON_LINK = 130, /* to LAST: listener reports and neighbour discovery */
	ICMP6_LAST_ON_LINK = 137,
	ICMP6_LISTENER_REPORT_V2 = 143,
	ICMP6_CODE_PORT_UNREACHABLE = 4,
};

/* Enough for any packet met in the wild; RFC 8504, 5.3, lets a node set a limit. */
#define MAX_EXT_HEADERS 6

/* ICMPv6 that never leaves the link (RFC 4861, 3810). */
static __always_inline int is_icmp6_on_link(__u8 type)
{
	return (type >= ICMP6_FIRST_ON_LINK && type <= ICMP6_LAST_ON_LINK) ||
	       type == ICMP6_LISTENER_REPORT_V2;
}
