/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What answers of our own have in common: a packet turns round, and goes back to who sent it. */
#pragma once

#include "tc_new_flow.h"

/* Fills an IP header for an answer of "length" bytes, that header not counted. */
static __always_inline void fill_ip(ip_header *ip, const struct pkt *p, __u8 proto, __u16 length)
{
	struct F(addr) from = narrow(&p->orig_daddr), to = narrow(&p->orig_saddr);

	__builtin_memset(ip, 0, sizeof(*ip));
	*(struct F(addr) *)&ip->saddr = from;
	*(struct F(addr) *)&ip->daddr = to;
#if SLUICE_FAMILY == 4
	ip->version = 4;
	ip->ihl = sizeof(*ip) / 4;
	ip->ttl = 64;
	ip->protocol = proto;
	ip->tot_len = bpf_htons(sizeof(*ip) + length);
	ip->check = ~csum_fold(bpf_csum_diff(NULL, 0, (__be32 *)ip, sizeof(*ip), 0));
#else
	ip->version = 6;
	ip->hop_limit = 64;
	ip->nexthdr = proto;
	ip->payload_len = bpf_htons(length);
#endif
}

/* The pseudo header's part of a checksum (RFC 9293, 3.1; RFC 8200, 8.1). */
static __always_inline __u32 pseudo_sum(const struct pkt *p, __u8 proto, __u16 length)
{
	struct F(addr) addrs[2] = {narrow(&p->orig_daddr), narrow(&p->orig_saddr)};

	return csum_fold(bpf_csum_diff(NULL, 0, (__be32 *)addrs, sizeof(addrs), 0)) +
	       bpf_htons(proto) + bpf_htons(length);
}

static __always_inline int swap_macs(struct __sk_buff *skb)
{
	struct ethhdr eth;
	__u8 source[ETH_ALEN];

	if (bpf_skb_load_bytes(skb, 0, &eth, sizeof(eth)))
		return -1;
	__builtin_memcpy(source, eth.h_source, ETH_ALEN);
	__builtin_memcpy(eth.h_source, eth.h_dest, ETH_ALEN);
	__builtin_memcpy(eth.h_dest, source, ETH_ALEN);
	return bpf_skb_store_bytes(skb, 0, &eth, sizeof(eth), 0);
}

/* Where checksums are left to hardware, the field is to hold the pseudo header's sum. */
static __always_inline int is_partial(struct __sk_buff *skb)
{
	return settings.kern_ctx && ip_summed(skb) == CHECKSUM_PARTIAL;
}

/* Back to where the packet came from, with no other program to look at it. */
static __always_inline int send_answer(struct __sk_buff *skb, const struct pkt *p, __u32 prog,
				       __u32 reason)
{
	const struct node_state *node = node_state();

	if (!node || swap_macs(skb))
		return drop(skb, prog, REASON_REWRITE);
	set_mark(skb, MARK_SEEN | MARK_BYPASS);
	/* A packet of this node's client, which another node has sent back. */
	if (p->flags & PKT_BOUNCED)
		return end(skb, prog, reason, bpf_redirect_neigh(p->src_ifindex, NULL, 0, 0));
	if (p->flags & PKT_FROM_TUNNEL) {
		struct F(addr) peer = narrow(&p->peer);

		if (set_tunnel_key(
			skb, p->flags & PKT_FORWARD ? TUNNEL_VNI_FORWARD : node->tunnel_vni, &peer))
			return drop(skb, prog, REASON_REWRITE);
	}
	/* What leaves was sent by the host itself: its answer comes in where the packet went out.
	 */
	return end(skb, prog, reason,
		   bpf_redirect(skb->ifindex, settings.hook == HOOK_OUT ? BPF_F_INGRESS : 0));
}
