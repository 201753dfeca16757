/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What generated policy programs look things up in.
 *
 * ip_sets4, ip_sets6: LPM tries over all sets of the node. A member is a network (prefixlen
 * IP_SET_ID_BITS + its bits, the rest 0) or one port of one address (all bits). A packet's end is
 * looked up with all bits, and finds either. The value is 1.
 */
#pragma once

#include "types.h"

enum ip_set_bits {
	IP_SET_ID_BITS = 64,
	IP_SET_PORT_BITS = 24, /* port and protocol, after an address of full length */
};

struct ip_set_key4 {
	__u32 prefixlen;
	__be32 set[2]; /* its ID, the upper half first */
	struct addr4 addr;
	__be16 port;
	__u8 proto;
	__u8 pad;
};
ASSERT_SIZE(struct ip_set_key4, 20);

struct ip_set_key6 {
	__u32 prefixlen;
	__be32 set[2];
	struct addr6 addr;
	__be16 port;
	__u8 proto;
	__u8 pad;
};
ASSERT_SIZE(struct ip_set_key6, 32);

/* rule_hits: per-CPU hash by rule ID; the agent makes the elements, programs count in them. */
struct rule_hits {
	__u64 packets;
};

/*
 * policy_keys: per-CPU array with one element. Where policy programs make their keys: the verifier
 * keeps account of each byte of a stack, on each way through a program, and of none of a map's.
 * The sets' IDs and IPv6 addresses lie on 8 bytes.
 */
struct policy_keys {
	__u64 rule; /* of rule_hits */
	__u32 pad;
	struct ip_set_key6 source; /* IPv4: struct ip_set_key4 */
	__u32 pad2;
	struct ip_set_key6 destination;
	__u32 pad3;
};
ASSERT_SIZE(struct policy_keys, 88);
