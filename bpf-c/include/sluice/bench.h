/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * bench_plan: array with one element. The stream of packets that the benchmark's feeder makes, for
 * BPF_PROG_TEST_RUN repeats one packet, and what one run changes the next one sees.
 */
#pragma once

#include "types.h"

struct bench_plan {
	__u64 header[10];   /* the packet's start, as it lies in memory; laid anew for each run */
	__u32 l4;	    /* offset of the transport header */
	__u32 next;	    /* number of the next packet */
	__u32 step;	    /* packet n has number n * step; odd: visits all flows, out of order */
	__u32 flows;	    /* number modulo this is added to the source port; at least 1 */
	__u32 addresses;    /* ... and modulo this to the destination address; at least 1 */
	__u32 vni;	    /* the packets come from the tunnel, in this network; 0: they do not */
	struct addr4 node4; /* ... from this node, by the packets' family */
	struct addr6 node6;
	__u32 mark; /* skb->mark: what the program before has left */
};
ASSERT_SIZE(struct bench_plan, 128);
