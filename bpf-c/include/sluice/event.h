/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * events: ring buffer. Written by debug variants (OBS-2) and, of packets that a policy's rule wants
 * noted (PKT_LOG), by the others, too: reason 0 then says that policy allowed the packet.
 */
#pragma once

#include "types.h"

struct event {
	__u64 time_ns; /* bpf_ktime_get_ns */
	struct addr6 saddr;
	struct addr6 daddr;
	__be16 sport;
	__be16 dport;
	__u8 proto;
	__u8 hook;   /* enum sluice_hook */
	__u8 family; /* 4 or 6 */
	__u8 prog;   /* enum sluice_prog */
	__u32 ifindex;
	__u32 reason; /* enum sluice_reason */
	__u32 length; /* bytes */
	__u32 mark;
};
ASSERT_SIZE(struct event, 64);
