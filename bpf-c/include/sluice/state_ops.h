/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Handing a packet to the sub-programs off the fast path, and taking it over from another. */
#pragma once

#include "parse.h"

static __always_inline struct pkt *packet_state(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&pkt, &zero);
}

static __always_inline void widen(struct addr6 *wide, const struct F(addr) *addr)
{
	for (int i = 0; i < 4; i++)
		wide->w[i] = i < ADDR_WORDS ? addr->w[i & (ADDR_WORDS - 1)] : 0;
}

static __always_inline struct F(addr) narrow(const struct addr6 *wide)
{
	struct F(addr) addr;

	for (int i = 0; i < ADDR_WORDS; i++)
		addr.w[i] = wide->w[i];
	return addr;
}

/* The same where it lies. */
static __always_inline const struct F(addr) *part_of(const struct addr6 *wide)
{
	return (const struct F(addr) *)wide;
}

/* Who sent a packet by the tunnel, and what for. */
struct F(peer) {
	struct F(addr) node; /* its address in the underlay */
	__u32 vni;	     /* the overlay's, or one of enum tunnel_vni */
};

/* Saves a packet. "peer": the node that it came from by the tunnel; NULL: it did not. */
static __always_inline struct pkt *save_packet(const struct __sk_buff *skb, const struct flow *f,
					       __u32 flags, const struct F(peer) *peer)
{
	struct F(addr) saddr = f->side ? f->key.addr[1] : f->key.addr[0];
	struct F(addr) daddr = f->side ? f->key.addr[0] : f->key.addr[1];
	struct pkt *p = packet_state();

	if (!p)
		return NULL;
	widen(&p->saddr, &saddr);
	widen(&p->daddr, &daddr);
	p->orig_saddr = p->saddr;
	p->orig_daddr = p->daddr;
	p->sport = p->orig_sport = f->sport;
	p->dport = p->orig_dport = f->dport;
	p->proto = f->proto;
	p->icmp_type = f->icmp_type;
	p->icmp_code = f->icmp_code;
	p->tcp_flags = f->tcp_flags;
	p->flags = flags | (f->key.direct ? PKT_DIRECT : 0);
	p->src_ifindex = skb->ingress_ifindex;
	p->dst_ifindex = 0;
	p->service = p->backend = p->gen = 0;
	p->l3_offset = ETH_HLEN;
	p->l4_offset = f->l4;
	p->reason = REASON_POLICY;
	p->policy_step = 0;
	p->sender_state = p->receiver_state = 0;
	if (peer) {
		p->flags |= PKT_FROM_TUNNEL;
		if (peer->vni == TUNNEL_VNI_FORWARD)
			p->flags |= PKT_FORWARD;
		else if (peer->vni == TUNNEL_VNI_BOUNCE)
			p->flags |= PKT_FORWARD | PKT_BOUNCED;
		widen(&p->peer, &peer->node);
	}
	return p;
}

/* Whether the sender is behind the node "peer". What was bounced is a client of this node's own. */
static __always_inline int sent_by_node(const struct pkt *p)
{
	return (p->flags & (PKT_FROM_TUNNEL | PKT_BOUNCED)) == PKT_FROM_TUNNEL;
}

/* The flow of a saved packet as it is now: nothing is parsed anew. */
static __always_inline void saved_flow(const struct pkt *p, struct flow *f)
{
	struct F(addr) saddr = narrow(&p->orig_saddr), daddr = narrow(&p->orig_daddr);

	f->side = make_key(&f->key, &saddr, p->orig_sport, &daddr, p->orig_dport, p->proto);
	f->key.direct = p->flags & PKT_DIRECT ? 1 : 0;
	f->sport = p->orig_sport;
	f->dport = p->orig_dport;
	f->proto = p->proto;
	f->tcp_flags = p->tcp_flags;
	f->icmp_type = p->icmp_type;
	f->icmp_code = p->icmp_code;
	f->l4 = p->l4_offset;
}
