/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Tells the agent the time of conntrack's stamps: never attached, run by BPF_PROG_TEST_RUN. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

struct clock {
	__u64 jiffies;
	__u64 ktime; /* ns since boot, CLOCK_MONOTONIC */
};

/* Writes a struct clock to the start of the packet; TC_ACT_SHOT if that is too short. */
SEC("tc")
int clock(struct __sk_buff *skb)
{
	struct clock clock = {
	    .jiffies = bpf_jiffies64(),
	    .ktime = bpf_ktime_get_ns(),
	};

	return bpf_skb_store_bytes(skb, 0, &clock, sizeof(clock), 0) ? TC_ACT_SHOT : TC_ACT_OK;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
