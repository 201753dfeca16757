/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* PROG_MAIN: the only generic sub-program that a packet of an established flow enters. */
#pragma once

#include <sluice/forward.h>

static __always_inline void widen(struct addr6 *wide, const struct F(addr) *addr)
{
	for (int i = 0; i < 4; i++)
		wide->w[i] = i < ADDR_WORDS ? addr->w[i & (ADDR_WORDS - 1)] : 0;
}

/* Hands the packet to the sub-programs off the fast path. */
static __always_inline struct pkt *save_packet(const struct __sk_buff *skb, const struct flow *f,
					       __u32 flags)
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
	p->flags = flags;
	p->src_ifindex = skb->ingress_ifindex;
	p->dst_ifindex = 0;
	p->service = p->backend = p->gen = 0;
	p->l3_offset = ETH_HLEN;
	p->l4_offset = f->l4;
	p->reason = REASON_POLICY;
	return p;
}

/* The only TCP packet that may open a flow. */
static __always_inline int is_initial_syn(__u8 tcp_flags)
{
	return (tcp_flags & (TCP_CHANGES_STATE | TCP_ACK)) == TCP_SYN;
}

/* Host-ingress: whether the entry knows who sends, and where the other side lives now. */
static __always_inline int knows_both_ends(const struct __sk_buff *skb, __u32 side,
					   const struct ct_common *c)
{
	const struct node_state *node = node_state();

	return node && node->route_epoch == c->route_epoch && c->ifindex[side] == skb->ifindex &&
	       c->ifindex[!side] != CT_IF_UNKNOWN;
}

/* Host-ingress: without a connection to keep, who opens looks at each packet for its backend. */
static __always_inline int has_lost_backend(const struct flow *f, __u32 side,
					    const struct ct_common *c)
{
	return f->proto != IPPROTO_TCP && c->state & of_side(CT_OPENER_A, side) &&
	       !ct_backend_alive(c);
}

/* Whether the entry alone, as it is, says all about this packet. */
static __always_inline int is_settled(const struct __sk_buff *skb, const struct flow *f,
				      const struct ct_common *c)
{
	__u32 side = f->side & 1;
	__u32 approved = settings.hook == HOOK_IN ? CT_APPROVED : of_side(CT_APPROVED_A, !side);

	if (f->tcp_flags & TCP_CHANGES_STATE || (c->state & approved) != approved)
		return 0;
	if (settings.hook == HOOK_IN) {
		return knows_both_ends(skb, side, c) && !has_lost_backend(f, side, c);
	}
	return c->ifindex[!side] == skb->ifindex;
}

enum next_step {
	NEXT_FINISH = 0,
	NEXT_NEW_FLOW = 1, /* the entry is over: the packet opens a flow anew */
	NEXT_POLICY = 2,   /* this endpoint has not approved the flow yet */
	NEXT_REFUSE = 3,   /* the workload is gone: tell the sender */
	NEXT_DROP = 4,	   /* ... and more: NEXT_DROP + reason */
};

/*
 * A packet that changes TCP state: seen on the tracking entry, whichever twin was hit (CT-2). A SYN
 * on what is closed, or on what was never answered and whose backend is gone, begins anew.
 */
static __always_inline int follow_tcp(const struct flow *f, struct F(ct_value) *e)
{
	struct F(ct_value) *tracking = e;
	__u32 side = f->side, bits = 0;

	if (e->c.state & CT_NAT_FORWARD) {
		struct F(ct_key) twin;

		side = ct_twin_key(e, f->proto, &twin);
		tracking = ct_lookup(&twin);
		if (!tracking)
			return is_initial_syn(f->tcp_flags) ? NEXT_NEW_FLOW : NEXT_FINISH;
	}
	if (is_initial_syn(f->tcp_flags)) {
		if (ct_closed(tracking->c.state))
			return NEXT_NEW_FLOW;
		if (settings.hook == HOOK_IN && !(tracking->c.state & of_side(CT_SYN_A, !side)) &&
		    !ct_backend_alive(&e->c))
			return NEXT_NEW_FLOW;
	}
	bits |= f->tcp_flags & TCP_SYN ? of_side(CT_SYN_A, side) : 0;
	bits |= f->tcp_flags & TCP_FIN ? of_side(CT_FIN_A, side) : 0;
	bits |= f->tcp_flags & TCP_RST ? of_side(CT_RST_A, side) : 0;
	if (bits & ~tracking->c.state) {
		__sync_fetch_and_or(&tracking->c.state, bits);
		tracking->c.last_seen = now();
	}
	return NEXT_FINISH;
}

/*
 * Host-ingress, when interfaces or routes have changed since the entry knew them: who sends, and
 * where the other side lives now.
 */
static __always_inline int resolve(const struct __sk_buff *skb, const struct flow *f,
				   struct F(ct_value) *e)
{
	__u32 side = f->side & 1, was = e->c.ifindex[!side], to = CT_IF_STACK;
	struct F(addr) saddr = side ? f->key.addr[1] : f->key.addr[0];
	struct F(addr) daddr = side ? f->key.addr[0] : f->key.addr[1];
	const struct iface *iface = iface_of(skb->ifindex);
	const struct node_state *node = node_state();
	__u32 epoch = node ? node->route_epoch : 0;
	const struct F(route) *route;

	if (!iface)
		return NEXT_DROP + REASON_NO_IFACE;
	if (!may_send_from(iface, skb->ifindex, &saddr))
		return NEXT_DROP + REASON_RPF;
	if (ct_translates(e->c.state, side))
		daddr = e->x.daddr;
	route = route_to(&daddr);
	if (is_local_workload(route)) {
		const struct iface *target = iface_of(route->ifindex);

		to = target && target->flags & IFACE_READY ? route->ifindex : CT_IF_UNKNOWN;
	} else if (was != CT_IF_UNKNOWN && was != CT_IF_STACK) {
		/* Who opens begins anew: the address may live elsewhere now, and if it does not,
		 * the host stack says so. */
		if (is_initial_syn(f->tcp_flags) ||
		    (f->proto != IPPROTO_TCP && e->c.state & of_side(CT_OPENER_A, side)))
			return NEXT_NEW_FLOW;
		return f->proto == IPPROTO_TCP ? NEXT_REFUSE : NEXT_DROP + REASON_WORKLOAD_GONE;
	}
	/* Another workload has an address now: what the former one approved does not count. */
	if (was != to && was != CT_IF_UNKNOWN)
		__sync_fetch_and_and(&e->c.state, ~of_side(CT_APPROVED_A, !side));
	if (e->c.ifindex[side] != skb->ifindex)
		__sync_fetch_and_and(&e->c.state, ~of_side(CT_APPROVED_A, side));
	e->c.ifindex[side] = skb->ifindex;
	e->c.ifindex[!side] = to;
	e->c.route_epoch = epoch;
	return NEXT_FINISH;
}

/* All that keeps an entry from being settled, in order. */
static __noinline int settle(const struct __sk_buff *skb, const struct flow *f,
			     struct F(ct_value) *e)
{
	__u32 side = f->side & 1, own;
	int next = NEXT_FINISH;

	if (f->proto == IPPROTO_TCP) {
		if (f->tcp_flags & TCP_CHANGES_STATE)
			next = follow_tcp(f, e);
	} else if (settings.hook == HOOK_IN && has_lost_backend(f, side, &e->c)) {
		next = NEXT_NEW_FLOW;
	}
	if (next != NEXT_FINISH)
		return next;
	if (settings.hook == HOOK_IN) {
		if (!knows_both_ends(skb, side, &e->c))
			next = resolve(skb, f, e);
		if (next != NEXT_FINISH)
			return next;
		own = side;
	} else {
		own = !side;
		if (e->c.ifindex[own] != skb->ifindex)
			return NEXT_POLICY;
	}
	return e->c.state & of_side(CT_APPROVED_A, own) ? NEXT_FINISH : NEXT_POLICY;
}

/* The destination's own program sees what it has not approved, and every attempt to connect
 * (GAP-2). */
static __always_inline enum delivery delivery_of(const struct flow *f, const struct F(ct_value) *e)
{
	return (e->c.state & CT_APPROVED) == CT_APPROVED && !is_initial_syn(f->tcp_flags)
		   ? BY_PEER
		   : BY_PROGRAM;
}

static __always_inline int unsettled(struct __sk_buff *skb, const struct flow *f,
				     struct F(ct_value) *e)
{
	int next = settle(skb, f, e);
	const struct iface *iface;

	/* What ends here does not keep the entry alive. */
	if (ct_stale(e) && (next == NEXT_FINISH || next == NEXT_POLICY))
		ct_refresh(&f->key, e);
	switch (next) {
	case NEXT_FINISH:
		return finish(skb, PROG_MAIN, f, e, delivery_of(f, e));
	case NEXT_NEW_FLOW:
		if (!save_packet(skb, f, PKT_NEW | PKT_STALE))
			return drop(skb, PROG_MAIN, REASON_NO_PROGRAM);
		return enter(skb, PROG_MAIN, PROG_NEW_FLOW);
	case NEXT_POLICY:
		iface = iface_of(skb->ifindex);
		if (!iface || !save_packet(skb, f, 0))
			return drop(skb, PROG_MAIN, REASON_NO_IFACE);
		return ask_policy(skb, PROG_MAIN, iface);
	case NEXT_REFUSE:
		if (!save_packet(skb, f, 0))
			return drop(skb, PROG_MAIN, REASON_WORKLOAD_GONE);
		return enter(skb, PROG_MAIN, PROG_REFUSE);
	default:
		return drop(skb, PROG_MAIN, (next - NEXT_DROP) & (REASON_COUNT - 1));
	}
}

SEC("tc")
int prog_main(struct __sk_buff *skb)
{
	struct F(ct_value) *e;
	struct flow f;
	int parsed;

	if (settings.hook == HOOK_OUT && skb->mark & MARK_BYPASS) {
		set_mark(skb, 0);
		return pass(skb, PROG_MAIN, REASON_BYPASS);
	}
	if (settings.debug)
		__builtin_memset(&f, 0, sizeof(f));
	parsed = parse(skb, &f);
	if (settings.debug)
		save_packet(skb, &f, 0); /* for events */
	switch (parsed) {
	case PARSE_FLOW:
		break;
	case PARSE_NOT_TRACKED:
		set_mark(skb, settings.hook == HOOK_IN ? MARK_SEEN : 0);
		return pass(skb, PROG_MAIN, REASON_NOT_TRACKED);
	case PARSE_ICMP_ERROR:
		return enter(skb, PROG_MAIN, PROG_ICMP_ERR);
	default:
		return drop(skb, PROG_MAIN, f.reason & (REASON_COUNT - 1));
	}
	e = ct_lookup(&f.key);
	if (!e) {
		if (!save_packet(skb, &f, PKT_NEW))
			return drop(skb, PROG_MAIN, REASON_NO_PROGRAM);
		return enter(skb, PROG_MAIN, PROG_NEW_FLOW);
	}
	if (!is_settled(skb, &f, &e->c))
		return unsettled(skb, &f, e);
	if (ct_stale(e))
		ct_refresh(&f.key, e);
	return finish(skb, PROG_MAIN, &f, e, BY_PEER);
}
