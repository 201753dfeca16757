/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * PROG_MAGLEV: a backend by the table that all nodes share, for a flow without entry: a new one, or
 * one in mid-flow whose node has died (MAG-1, MAG-3).
 *
 * Nobody can tell of a packet in mid-flow whether its flow is older than the slot's last move. So
 * it goes to the node of the slot's present backend; if that has no such flow, it sends the packet
 * back, and then it goes to the former one's. docs/design/maglev.md says where this ends.
 */
#pragma once

#include <sluice/maglev_ops.h>

#include "tc_outside.h"

static __always_inline const struct F(backend) *backend_at(__u32 index, __u32 service)
{
	const struct F(backend) *backend = bpf_map_lookup_elem(&F(backends), &index);

	return backend && backend->service == service && backend->id ? backend : NULL;
}

static __always_inline int is_here(const struct F(backend) *backend)
{
	struct F(addr) addr = backend->addr;
	const struct F(route) *route = route_to(&addr);

	return route && route->flags & ROUTE_LOCAL;
}

static __always_inline __u32 hash_of(const struct pkt *p)
{
	struct F(addr) saddr = narrow(&p->orig_saddr), daddr = narrow(&p->orig_daddr);

	return F(tuple_hash)(&saddr, &daddr, p->orig_sport, p->orig_dport, p->proto);
}

/* What becomes of a packet after the table was asked. */
enum maglev_step {
	MAGLEV_ADMIT = 0,
	MAGLEV_BOUNCE = 1,
	MAGLEV_RANDOM = 2, /* the table does not know, for a new flow: any backend will do */
	MAGLEV_UNKNOWN = 3,
};

/*
 * In mid-flow, with the slot's present backend and its former one (NULL: it has not moved). At the
 * first node the present one is asked first, unless it is this node's, which would have known.
 */
static __always_inline int choose_midflow(struct pkt *p, const struct F(backend) *present,
					  const struct F(backend) *former)
{
	int asked = p->flags & PKT_FROM_TUNNEL;

	if (!present)
		return MAGLEV_UNKNOWN;
	if (p->flags & PKT_BOUNCED || (former && is_here(asked ? former : present))) {
		if (!former)
			return MAGLEV_UNKNOWN;
		take_backend(p, former);
		return MAGLEV_ADMIT;
	}
	if (asked && former)
		return MAGLEV_BOUNCE;
	take_backend(p, present);
	return MAGLEV_ADMIT;
}

static __always_inline int ask_table(struct pkt *p, void *table)
{
	__u32 hash = hash_of(p), index, previous = MAGLEV_UNMOVED;
	const struct F(backend) *present, *former = NULL;

	if (!table || !maglev_find(table, hash, &index, &previous))
		return p->flags & PKT_MIDFLOW ? MAGLEV_UNKNOWN : MAGLEV_RANDOM;
	present = backend_at(index, p->service);
	if (p->flags & PKT_MIDFLOW) {
		if (previous != MAGLEV_UNMOVED)
			former = backend_at(previous, p->service);
		return choose_midflow(p, present, former);
	}
	/* What this node knows to be dead, or not its own when it has to be, comes first. */
	if (!is_live_backend(present, p->service) ||
	    (p->flags & PKT_LOCAL_ONLY && !is_here(present)))
		return MAGLEV_RANDOM;
	take_backend(p, present);
	return MAGLEV_ADMIT;
}

/* The entry that led to the node which has sent the packet back: the client stays where it is. */
static __always_inline int keep_client(struct pkt *p)
{
	struct flow f;
	struct F(ct_value) *e;

	saved_flow(p, &f);
	e = ct_lookup(&f.key);
	if (!e || !(e->c.state & CT_MAGLEV) || !(e->c.state & of_side(CT_OPENER_A, f.side & 1)))
		return -1;
	p->src_ifindex = e->c.ifindex[f.side & 1];
	p->flags |= PKT_STALE;
	return 0;
}

/* An ICMP error about an answer of the flow: on to the node that sent the answer (ICMP-2). */
static __always_inline int relay_error(struct __sk_buff *skb, struct pkt *p)
{
	struct F(addr) daddr = narrow(&p->daddr);
	const struct F(route) *route = route_to(&daddr);

	if (!route || route->flags & ROUTE_LOCAL || is_any(&route->next_hop))
		return drop(skb, PROG_MAGLEV, REASON_ICMP_UNKNOWN);
	daddr = route->next_hop;
	return send_to_node(skb, PROG_MAGLEV, &daddr, TUNNEL_VNI_FORWARD);
}

static __always_inline int random_instead(struct __sk_buff *skb, struct pkt *p,
					  const struct iface *iface)
{
	__u16 flags = 0;
	int result =
	    pick_by(p, p->service, !!(p->flags & PKT_LOCAL_ONLY), bpf_get_prandom_u32(), &flags);

	return end_of_pick(skb, p, PROG_MAGLEV, iface, result);
}

SEC("tc")
int prog_maglev(struct __sk_buff *skb)
{
	const struct iface *iface = iface_of(skb->ifindex);
	struct pkt *p = packet_state();
	struct F(addr) peer;
	void *table;
	__u32 id;
	int step;

	if (!p || !iface)
		return drop(skb, PROG_MAGLEV, REASON_NO_IFACE);
	p->flags |= PKT_MAGLEV;
	id = p->service;
	table = bpf_map_lookup_elem(&maglev, &id);
	step = ask_table(p, table);
	if (p->flags & PKT_RELAY)
		return step == MAGLEV_ADMIT ? relay_error(skb, p)
					    : drop(skb, PROG_MAGLEV, REASON_ICMP_UNKNOWN);
	switch (step) {
	case MAGLEV_ADMIT:
		if (p->flags & PKT_BOUNCED && keep_client(p))
			return drop(skb, PROG_MAGLEV, REASON_MIDFLOW);
		return admit(skb, p, PROG_MAGLEV, iface);
	case MAGLEV_BOUNCE:
		peer = narrow(&p->peer);
		return send_to_node(skb, PROG_MAGLEV, &peer, TUNNEL_VNI_BOUNCE);
	case MAGLEV_RANDOM:
		return random_instead(skb, p, iface);
	default:
		/* The client is told, not the node that does not know the flow, either. */
		if (p->flags & PKT_BOUNCED && keep_client(p))
			return drop(skb, PROG_MAGLEV, REASON_MIDFLOW);
		p->reason = REASON_MIDFLOW;
		return enter(skb, PROG_MAGLEV, PROG_REFUSE);
	}
}
