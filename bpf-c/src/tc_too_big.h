/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * PROG_TOO_BIG: the packet does not fit into the tunnel; it turns round and becomes the ICMP error
 * that says how much would (RFC 1191, 4; RFC 4443, 3.2). Likewise a packet whose TTL ends where the
 * stack would take it for its own (RFC 792; RFC 4443, 3.3). It comes from the address that the
 * sender spoke to, and quotes the packet as the sender sent it, for the sender knows no other
 * (ENC-2).
 */
#pragma once

#include "tc_answer.h"

struct too_big_header {
	ip_header ip;
	struct icmp_header icmp;
};

/* As much of the packet as the smallest MTU leaves room for (RFC 1812, 4.3.2.3; RFC 4443, 3.2). */
#define MOST_QUOTED ((SLUICE_FAMILY == 4 ? 576 : 1280) - sizeof(struct too_big_header))

/* What bpf_csum_diff takes at once. */
#define SUM_PIECE 512

struct sum_buffer {
	__u8 bytes[SUM_PIECE];
};

MAP_ARRAY(sum_buffer, BPF_MAP_TYPE_PERCPU_ARRAY, struct sum_buffer, 1);

/* The sum of a part of the packet, folded. "length": a multiple of 4, MOST_QUOTED at most. */
static __noinline __u32 sum_part(struct __sk_buff *skb, __u32 offset, __u32 length)
{
	__u32 zero = 0, sum = 0;
	struct sum_buffer *buffer = bpf_map_lookup_elem(&sum_buffer, &zero);

	if (!buffer)
		return 0;
	for (__u32 done = 0; done < MOST_QUOTED; done += SUM_PIECE) {
		__u32 size = length - done;

		if (done >= length)
			break;
		if (size > SUM_PIECE)
			size = SUM_PIECE;
		asm volatile("" : "+r"(size));
		if (size < 4 || size > SUM_PIECE ||
		    bpf_skb_load_bytes(skb, offset + done, buffer->bytes, size))
			break;
		sum = csum_fold(bpf_csum_diff(NULL, 0, (__be32 *)buffer->bytes, size & ~3U, sum));
	}
	return sum;
}

/*
 * A checksum that was left to hardware is still left to it when the packet is a quotation. Whether
 * it is ever filled in or not, the ICMP checksum has to be right: so the field gets the one value
 * that filling in leaves as it is, s = ~(s + rest), which is half of ~rest: in one's complement,
 * rotated by a bit.
 */
static __always_inline int settle_checksum(struct __sk_buff *skb, const struct pkt *p, __u32 end)
{
	__u32 check = p->l4_offset + (p->proto == IPPROTO_TCP ? 16 : 6);
	__u16 value = 0;

	if ((p->proto != IPPROTO_TCP && p->proto != IPPROTO_UDP) || check + sizeof(value) > end)
		return 0;
	if (settings.kern_ctx && !is_partial(skb))
		return 0;
	if (bpf_skb_store_bytes(skb, check, &value, sizeof(value), BPF_F_RECOMPUTE_CSUM))
		return -1;
	value = ~sum_part(skb, p->l4_offset, end - p->l4_offset);
	value = value >> 1 | value << 15;
	return bpf_skb_store_bytes(skb, check, &value, sizeof(value), BPF_F_RECOMPUTE_CSUM);
}

/* A hop answers in its own name, as routers do (RFC 1812, 4.3.2.4), if it has one. */
static __always_inline void from_this_node(struct pkt *p)
{
	const struct node_state *node = node_state();
	struct F(addr) own;

	if (!node)
		return;
#if SLUICE_FAMILY == 4
	own = node->addr4;
#else
	own = node->addr6;
#endif
	if (!is_any(&own))
		widen(&p->orig_daddr, &own);
}

/* "mtu": 0: TTL exceeded, instead. */
static __noinline int make_error(struct __sk_buff *skb, const struct pkt *p, __u32 mtu)
{
	__u32 quoted = skb->len - ETH_HLEN;
	struct too_big_header answer;
	__u32 length, sum;

	/* The rest may be left out, and whole words are summed up. */
	if (quoted > MOST_QUOTED)
		quoted = MOST_QUOTED;
	quoted &= ~3U;
	length = sizeof(answer.icmp) + quoted;
	if (bpf_skb_change_tail(skb, ETH_HLEN + quoted, 0) ||
	    settle_checksum(skb, p, ETH_HLEN + quoted))
		return -1;
	sum = sum_part(skb, ETH_HLEN, quoted);
	fill_ip(&answer.ip, p, IPPROTO_ICMP_FAMILY, length);
	__builtin_memset(&answer.icmp, 0, sizeof(answer.icmp));
#if SLUICE_FAMILY == 4
	answer.icmp.type = mtu ? ICMP_UNREACHABLE : ICMP_TIME_EXCEEDED;
	answer.icmp.code = mtu ? ICMP_CODE_FRAGMENTATION_NEEDED : 0;
#else
	answer.icmp.type = mtu ? ICMP6_TOO_BIG : ICMP6_TIME_EXCEEDED;
	answer.icmp.id = bpf_htons(mtu >> 16);
	sum += pseudo_sum(p, IPPROTO_ICMPV6, length);
#endif
	answer.icmp.sequence = bpf_htons(mtu);
	answer.icmp.checksum = ~csum_fold(
	    csum_fold(bpf_csum_diff(NULL, 0, (__be32 *)&answer.icmp, sizeof(answer.icmp), 0)) +
	    csum_fold(sum));
	return bpf_skb_adjust_room(skb, sizeof(answer), BPF_ADJ_ROOM_MAC, 0) ||
	       bpf_skb_store_bytes(skb, ETH_HLEN, &answer, sizeof(answer),
				   BPF_F_INVALIDATE_HASH | BPF_F_RECOMPUTE_CSUM);
}

/* The node that the answer goes back to; PROG_TUNNEL has no room to say so for every packet. */
static __always_inline int note_peer(struct __sk_buff *skb, struct pkt *p)
{
	struct F(peer) peer;

	if (get_tunnel_peer(skb, &peer))
		return -1;
	widen(&p->peer, &peer.node);
	if (peer.vni == TUNNEL_VNI_FORWARD)
		p->flags |= PKT_FORWARD;
	return 0;
}

/* Bytes of the largest IP packet that goes where this one was to go. */
static __always_inline __u32 mtu_in_the_way(struct __sk_buff *skb, const struct pkt *p)
{
	__u32 mtu = 0;

	if (!p->dst_ifindex)
		return tunnel_mtu();
	bpf_check_mtu(skb, p->dst_ifindex, &mtu, 0, 0);
	return mtu;
}

SEC("tc")
int prog_too_big(struct __sk_buff *skb)
{
	struct pkt *p = packet_state();

	if (!p || (p->flags & PKT_FROM_TUNNEL && note_peer(skb, p)))
		return drop(skb, PROG_TOO_BIG, REASON_NO_PROGRAM);
	if (p->reason == REASON_TTL_ANSWER) {
		from_this_node(p);
		if (make_error(skb, p, 0))
			return drop(skb, PROG_TOO_BIG, REASON_REWRITE);
		return send_answer(skb, p, PROG_TOO_BIG, REASON_TTL_ANSWER);
	}
	if (make_error(skb, p, mtu_in_the_way(skb, p)))
		return drop(skb, PROG_TOO_BIG, REASON_REWRITE);
	return send_answer(skb, p, PROG_TOO_BIG, REASON_TOO_BIG);
}
