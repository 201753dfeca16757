/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The benchmark's feeder: lays a packet's headers anew, makes it the next flow's, and enters the
 * program that is measured. Never attached: run by BPF_PROG_TEST_RUN.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <sluice/bench.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct bench_plan);
	__uint(max_entries, 1);
} bench_plan SEC(".maps");

/* Slot 0: what is measured. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, 1);
} bench_target SEC(".maps");

/* Destination address, last word, lies straight before the transport header; the ports begin it. */
static __always_inline int lay_packet(struct __sk_buff *skb, struct bench_plan *plan, __u32 size,
				      __u32 l4)
{
	__u8 *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	__u64 number = (__u64)plan->next++ * plan->step;
	__be32 *daddr;
	__be16 *sport;

	if (data + size > end)
		return -1;
	for (__u32 i = 0; i < size / 8; i++)
		((__u64 *)data)[i] = plan->header[i];
	daddr = (__be32 *)(data + l4 - 4);
	sport = (__be16 *)(data + l4);
	*sport = bpf_htons(bpf_ntohs(*sport) + number % plan->flows);
	*daddr = bpf_htonl(bpf_ntohl(*daddr) + number % plan->addresses);
	skb->mark = plan->mark;
	return 0;
}

/* What a packet from the tunnel brings: where it comes from is, as for a sender, its local end. */
static __always_inline long lay_key(struct __sk_buff *skb, const struct bench_plan *plan)
{
	struct bpf_tunnel_key key = {.tunnel_id = plan->vni};

	if (plan->l4 == 34) {
		key.local_ipv4 = bpf_ntohl(plan->node4.w[0]);
		return bpf_skb_set_tunnel_key(skb, &key, sizeof(key), 0);
	}
	__builtin_memcpy(key.local_ipv6, &plan->node6, sizeof(key.local_ipv6));
	return bpf_skb_set_tunnel_key(skb, &key, sizeof(key), BPF_F_TUNINFO_IPV6);
}

/* The whole of the floor. */
SEC("tc")
int bench_empty(struct __sk_buff *skb)
{
	(void)skb;
	return TC_ACT_OK;
}

SEC("tc")
int bench_feed(struct __sk_buff *skb)
{
	__u32 zero = 0;
	struct bench_plan *plan = bpf_map_lookup_elem(&bench_plan, &zero);

	if (!plan || !plan->flows || !plan->addresses)
		return TC_ACT_SHOT;
	/* IPv4 and IPv6 without options: constants, for the verifier. */
	if (plan->l4 == 34 ? lay_packet(skb, plan, 56, 34) : lay_packet(skb, plan, 80, 54))
		return TC_ACT_SHOT;
	if (plan->vni && lay_key(skb, plan))
		return TC_ACT_SHOT;
	bpf_tail_call_static(skb, &bench_target, 0);
	return TC_ACT_SHOT;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
