/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Packet and byte rates of interfaces (qos.h). Each decision is made, and paid for, under the lock
 * of the element: so it is exact whatever runs on other CPUs (QOS-1).
 */
#pragma once

#include "count.h"

#define NS_PER_S 1000000000ULL

/* A token bucket: what it holds is in 10^-9 of what a rate counts. */
struct bucket {
	__u64 rate;  /* a second */
	__u64 full;  /* what it holds at most */
	__u64 cost;  /* of this packet */
	__u64 least; /* what it has to hold for a packet to pass */
};

/* What the bucket holds now; "longest": ns in which an empty one fills. */
static __always_inline __s64 qos_fill(const struct bucket *b, __u64 *time, __u64 fund, __u64 now,
				      __u64 longest)
{
	__s64 holds = fund;
	__u64 elapsed = now - *time;

	if (!*time)
		holds = b->full;
	else if (now <= *time)
		return holds; /* another CPU has looked at the clock later */
	else
		holds += (elapsed < longest ? elapsed : longest) * b->rate;
	*time = now;
	return holds > (__s64)b->full ? (__s64)b->full : holds;
}

/*
 * Whether this packet is within the rates of its interface and hook, and pays for it. Returns 0, or
 * a reason to drop. A packet may be larger than the bytes' bucket: it passes while anything is in
 * there, and those after it wait for it.
 */
static __noinline __u32 qos_judge(const struct __sk_buff *skb)
{
	struct qos_key key = {.ifindex = skb->ifindex, .hook = settings.hook & 1};
	const struct qos_limit *limit = bpf_map_lookup_elem(&qos, &key);
	struct qos_use *use = bpf_map_lookup_elem(&qos_use, &key);
	struct bucket packets = {.cost = NS_PER_S, .least = NS_PER_S};
	struct bucket bytes = {.cost = skb->len * NS_PER_S, .least = 1};
	__u64 fills_packets = 0, fills_bytes = 0, now;
	__s64 has_packets = 0, has_bytes = 0;
	__u32 reason = 0;

	if (!limit || !use)
		return 0;
	packets.rate = limit->packet_rate;
	packets.full = limit->packet_burst * NS_PER_S;
	bytes.rate = limit->shaped ? 0 : limit->byte_rate;
	bytes.full = limit->byte_burst * NS_PER_S;
	if (packets.rate)
		fills_packets = packets.full / packets.rate + 1;
	if (bytes.rate)
		fills_bytes = bytes.full / bytes.rate + 1;
	now = bpf_ktime_get_ns();

	bpf_spin_lock(&use->lock);
	if (packets.rate) {
		has_packets =
		    qos_fill(&packets, &use->packet_time, use->packet_fund, now, fills_packets);
		if (has_packets < (__s64)packets.least) {
			use->packets_dropped++;
			reason = REASON_PACKET_RATE;
		}
	}
	if (bytes.rate) {
		has_bytes = qos_fill(&bytes, &use->byte_time, use->byte_fund, now, fills_bytes);
		if (!reason && has_bytes < (__s64)bytes.least) {
			use->bytes_dropped++;
			reason = REASON_BANDWIDTH;
		}
	}
	use->packet_fund = has_packets - (reason ? 0 : packets.cost);
	use->byte_fund = has_bytes - (reason ? 0 : bytes.cost);
	bpf_spin_unlock(&use->lock);
	return reason;
}
