/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * PROG_HOST: what PROG_MAIN is to pods, for host interfaces and for loopback, which only the host
 * itself uses. What is not a flow, or none of ours, is the host stack's as ever.
 */
#pragma once

#include "tc_allowed.h"

/* Seconds in which a connection's last packets may still come after its end. */
#define MAGLEV_LINGER 5

/* The tunnel's own packets carry flows that are tracked inside. */
static __always_inline int is_outer_packet(const struct flow *f)
{
	return f->proto == IPPROTO_UDP && f->dport == bpf_htons(settings.vxlan_port);
}

/*
 * Host-ingress: a Maglev flow's entry that ended a while ago, and whose tuple has been opened anew
 * by way of another node since, which has died: what comes in mid-flow is not for the old backend.
 * Not static, for the verifier's sake: see resolve().
 */
__noinline int is_of_another_life(const struct flow *f, const struct F(ct_value) *e)
{
	__u32 state, side;

	if (!f || !e)
		return 0;
	state = e->c.state;
	side = f->side & 1;
	if (f->proto != IPPROTO_TCP || f->tcp_flags & TCP_CHANGES_STATE ||
	    !(state & of_side(CT_OPENER_A, side)) ||
	    now() - e->c.last_seen <= MAGLEV_LINGER * settings.hz)
		return 0;
	if (state & CT_NAT_FORWARD) {
		struct F(ct_key) key;
		const struct F(ct_value) *tracking;

		ct_twin_key(e, f->proto, &key);
		tracking = ct_lookup(&key);
		return tracking && ct_closed(tracking->c.state);
	}
	return ct_closed(state) || (state & CT_DSR && state & of_side(CT_FIN_A, side));
}

/* Host-ingress, with an entry: as for pods. */
static __always_inline int into_host(struct __sk_buff *skb, const struct flow *f,
				     struct F(ct_value) *e)
{
	if (e->c.state & CT_MAGLEV && is_of_another_life(f, e)) {
		if (!save_packet(skb, f, PKT_NEW | PKT_STALE, NULL))
			return drop(skb, PROG_HOST, REASON_NO_PROGRAM);
		return enter(skb, PROG_HOST, PROG_OUTSIDE);
	}
	if (!is_settled(skb, f, e, NULL))
		return unsettled(skb, PROG_HOST, f, e, NULL);
	if (ct_stale(e))
		ct_refresh(&f->key, e);
	return forward(skb, PROG_HOST, f, e, BY_PEER);
}

/* Host-egress: where the backend of the host's own flow lives, when that has changed. */
static __always_inline void resolve_out(const struct flow *f, struct F(ct_value) *e)
{
	const struct node_state *node = node_state();
	__u32 side = f->side & 1, to = CT_IF_UNKNOWN;
	struct F(addr) daddr = e->x.daddr;
	const struct F(route) *route;

	if (!node || node->route_epoch == e->c.route_epoch ||
	    !(e->c.state & of_side(CT_OPENER_A, side)) ||
	    is_beyond_host(e->c.state, !side, e->c.ifindex[!side]))
		return;
	if (e->c.state & CT_FORWARD) {
		to = node->tunnel_ifindex;
	} else if (ct_translates(e->c.state, side)) {
		route = route_to(&daddr);
		if (is_local_workload(route)) {
			const struct iface *target = iface_of(route->ifindex);

			if (target && target->flags & IFACE_READY)
				to = route->ifindex;
		}
	} else {
		to = e->c.ifindex[!side];
	}
	e->c.ifindex[!side] = to;
	e->c.route_epoch = node->route_epoch;
}

/* Host-egress, with an entry: whether the packet opens its flow anew. */
static __always_inline int starts_anew(const struct __sk_buff *skb, const struct flow *f,
				       struct F(ct_value) *e)
{
	if (f->proto == IPPROTO_TCP)
		return f->tcp_flags & TCP_CHANGES_STATE && follow_tcp(f, e) == NEXT_NEW_FLOW;
	/* What a program has let in on its way here has been asked already. */
	return !(skb->mark & MARK_SEEN) && e->c.state & of_side(CT_OPENER_A, f->side & 1) &&
	       !ct_backend_alive(&e->c);
}

/* Host-egress: whether the host's own sockets have sent this. */
static __always_inline int is_from_host(const struct __sk_buff *skb)
{
	return !(skb->mark & MARK_SEEN) && !skb->ingress_ifindex;
}

/*
 * Asks a host interface's policy, which may have been asked about this packet before. "next": the
 * continuation for allow.
 */
static __always_inline int ask_host_policy(struct __sk_buff *skb, struct pkt *p, __u32 prog,
					   const struct iface *iface, __u32 next)
{
	p->policy_step = 0;
	return ask_policy(skb, prog, iface, next);
}

/* What policy sees as the destination of who opened a flow: where its backend is (SVC-1). */
static __always_inline void note_backend(struct pkt *p, __u32 side, const struct F(ct_value) *e)
{
	struct F(addr) daddr = e->x.daddr;

	if (!ct_translates(e->c.state, side) && (!(e->c.state & CT_FORWARD) || is_any(&daddr)))
		return;
	widen(&p->daddr, &daddr);
	p->dport = e->x.dport;
}

/*
 * Host-egress, the first packet that leaves by a host interface in a flow which came in elsewhere,
 * or the next of one that policy denies by now. Returns its interface if that has a policy to ask,
 * with the packet saved; else notes on the entry that it has none.
 */
static __noinline const struct iface *policy_on_leaving(struct __sk_buff *skb, const struct flow *f,
							struct F(ct_value) *e)
{
	const struct iface *iface = iface_of(skb->ifindex);
	struct pkt *p;

	p = iface && iface->policy_slot[HOOK_OUT] ? save_packet(skb, f, PKT_HOST_IFACE, NULL)
						  : NULL;
	if (!p) {
		let_out(f, e);
		return NULL;
	}
	if (is_from_host(skb))
		p->flags |= PKT_SRC_HOST;
	note_backend(p, f->side, e);
	return iface;
}

static __always_inline int out_of_host(struct __sk_buff *skb, const struct flow *f,
				       struct F(ct_value) *e)
{
	const struct iface *iface;

	if (starts_anew(skb, f, e)) {
		if (!save_packet(skb, f, PKT_NEW | PKT_STALE, NULL))
			return drop(skb, PROG_HOST, REASON_NO_PROGRAM);
		return enter(skb, PROG_HOST, PROG_OUTSIDE);
	}
	if (!(e->c.state & CT_EGRESS) && e->c.state & of_side(CT_OPENER_A, f->side & 1)) {
		struct pkt *p = packet_state();

		iface = policy_on_leaving(skb, f, e);
		if (iface && p)
			return ask_host_policy(skb, p, PROG_HOST, iface, PROG_ALLOWED);
	}
	if (is_unheard(e->c.state, f->side))
		return drop(skb, PROG_HOST, REASON_POLICY);
	resolve_out(f, e);
	if (ct_stale(e))
		ct_refresh(&f->key, e);
	return leave(skb, PROG_HOST, f, e);
}

SEC("tc")
int prog_host(struct __sk_buff *skb)
{
	struct F(ct_value) *e;
	struct flow f;
	int parsed;

	/* Also all that came round by loopback. */
	if (skb->mark & MARK_BYPASS) {
		set_mark(skb, settings.hook == HOOK_IN ? MARK_SEEN : 0);
		return pass(skb, PROG_HOST, REASON_BYPASS);
	}
	/* A VLAN's packets come by the VLAN's own interface once more. */
	if (skb->vlan_present)
		return leave_alone(skb, PROG_HOST, REASON_NOT_TRACKED);
	if (settings.debug)
		__builtin_memset(&f, 0, sizeof(f));
	parsed = parse(skb, &f);
	if (settings.debug)
		save_packet(skb, &f, 0, NULL); /* for events */
	if (parsed == PARSE_ICMP_ERROR)
		return enter(skb, PROG_HOST, PROG_ICMP_ERR);
	if (parsed != PARSE_FLOW || is_outer_packet(&f))
		return leave_alone(skb, PROG_HOST, REASON_NOT_TRACKED);
	e = ct_lookup(&f.key);
	if (!e || is_taken(skb, f.side, e))
		e = find_direct(skb, &f, e);
	if (!e) {
		if (f.proto == IPPROTO_TCP && !is_initial_syn(f.tcp_flags) &&
		    settings.hook == HOOK_OUT)
			return leave_alone(skb, PROG_HOST, REASON_NOT_TRACKED);
		if (!save_packet(skb, &f, PKT_NEW, NULL))
			return drop(skb, PROG_HOST, REASON_NO_PROGRAM);
		return enter(skb, PROG_HOST, PROG_OUTSIDE);
	}
	return settings.hook == HOOK_IN ? into_host(skb, &f, e) : out_of_host(skb, &f, e);
}
