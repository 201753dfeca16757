/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* PROG_NEW_FLOW: may this sender send; is it for a service; where does it go; then policy. */
#pragma once

#include <sluice/pick.h>

#include "tc_main.h"

/* To itself: under the service's address, for no pod takes its own from outside (SVC-8). */
static __always_inline void note_hairpin(struct pkt *p)
{
	if (p->daddr.w[0] == p->saddr.w[0] && p->daddr.w[1] == p->saddr.w[1] &&
	    p->daddr.w[2] == p->saddr.w[2] && p->daddr.w[3] == p->saddr.w[3]) {
		p->flags |= PKT_HAIRPIN;
		p->saddr = p->orig_daddr;
	}
}

/* TCP that neither opens a flow nor belongs to one that is known. */
static __always_inline int unknown_midflow(struct __sk_buff *skb, struct pkt *p)
{
	if (settings.hook == HOOK_OUT) {
		/* *tables* have let it through already. */
		if (!(skb->mark & (MARK_FALLTHROUGH | MARK_CT_ESTABLISHED)))
			return drop(skb, PROG_NEW_FLOW, REASON_MIDFLOW);
		set_mark(skb, 0);
		return pass(skb, PROG_NEW_FLOW, REASON_FALLTHROUGH);
	}
	if (find_frontend(p)) {
		p->reason = REASON_MIDFLOW;
		return enter(skb, PROG_NEW_FLOW, PROG_REFUSE);
	}
	set_mark(skb, MARK_SEEN | MARK_FALLTHROUGH);
	return pass(skb, PROG_NEW_FLOW, REASON_FALLTHROUGH);
}

/* To be called before any route is looked up: one that changes then leaves an older epoch behind.
 */
static __always_inline void note_epoch(struct pkt *p)
{
	const struct node_state *node = node_state();

	p->route_epoch = node ? node->route_epoch : 0;
}

/* Where the packet goes, by the route to its destination. */
static __always_inline void note_destination(struct pkt *p, const struct F(route) *route)
{
	const struct node_state *node = node_state();
	const struct iface *target;

	if (route && !(route->flags & ROUTE_LOCAL) && route->flags & ROUTE_TUNNELED) {
		/* No tunnel yet: 0 is CT_IF_UNKNOWN. */
		p->dst_ifindex = node ? node->tunnel_ifindex : 0;
		p->flags |= PKT_TO_TUNNEL;
		widen(&p->peer, &route->next_hop);
	}
	if (is_local_host(route) || is_link_local(part_of(&p->daddr)))
		p->flags |= PKT_DST_HOST;
	if (!is_local_workload(route))
		return;
	p->flags |= PKT_DST_LOCAL;
	p->dst_ifindex = route->ifindex;
	target = iface_of(route->ifindex);
	if (target && target->flags & IFACE_READY)
		p->flags |= PKT_DST_READY;
}

/* The same; "route": NULL: not looked up yet, or there is none. */
static __always_inline void find_destination(struct pkt *p, const struct F(route) *route)
{
	struct F(addr) daddr = narrow(&p->daddr);

	note_destination(p, route ? route : route_to(&daddr));
}

/* Host-ingress. Returns 0 to go on to policy, else a reason to drop or refuse. */
static __always_inline __u32 from_workload(const struct __sk_buff *skb, struct pkt *p,
					   const struct iface *iface)
{
	struct F(addr) saddr = narrow(&p->saddr);
	const struct F(route) *route = NULL;
	int result;

	if (!may_send_from(iface, skb->ifindex, &saddr))
		return REASON_RPF;
	p->flags |= PKT_SRC_LOCAL;
	p->src_ifindex = skb->ifindex;
	result = pick_backend(p, FOR_INSIDE, &route);
	if (result == PICKED) {
		/* That was to the service. */
		route = NULL;
		p->flags |= PKT_NAT;
		note_hairpin(p);
	} else if (result == PICK_NO_SERVICE) {
		no_service(p);
	} else {
		return reason_of(result);
	}
	find_destination(p, route);
	if (p->flags & PKT_DST_HOST)
		p->reason = REASON_TO_HOST;
	return 0;
}

/* Host-egress: from the host itself, or by way of its stack from elsewhere. */
static __always_inline void to_workload(const struct __sk_buff *skb, struct pkt *p)
{
	p->flags |= PKT_SRC_STACK | PKT_DST_LOCAL | PKT_DST_READY;
	p->dst_ifindex = skb->ifindex;
	no_service(p);
}

/*
 * Host-ingress of the tunnel: what another node sends for its pods, whose policy it has asked. The
 * destination's own program is asked next, as for a pod of this node (GAP-2).
 */
static __always_inline int from_node(struct __sk_buff *skb, struct pkt *p)
{
	struct F(addr) saddr = narrow(&p->saddr), daddr = narrow(&p->daddr);
	struct F(addr) peer = narrow(&p->peer);
	const struct F(route) *route;

	if (!may_node_send_from(&saddr, &peer))
		return drop(skb, PROG_NEW_FLOW, REASON_TUNNEL_SOURCE);
	route = route_to(&daddr);
	if (is_local_host(route)) {
		set_mark(skb, MARK_SEEN);
		return pass(skb, PROG_NEW_FLOW, REASON_HOST);
	}
	note_destination(p, route);
	if (!(p->flags & PKT_DST_LOCAL))
		return drop(skb, PROG_NEW_FLOW, REASON_WORKLOAD_GONE);
	if (p->proto == IPPROTO_TCP) {
		if (!is_initial_syn(p->tcp_flags)) {
			set_mark(skb, MARK_SEEN | MARK_FALLTHROUGH);
			return pass(skb, PROG_NEW_FLOW, REASON_FALLTHROUGH);
		}
		p->flags |= PKT_SYN;
	}
	no_service(p);
	return enter(skb, PROG_NEW_FLOW, PROG_ALLOWED);
}

SEC("tc")
int prog_new_flow(struct __sk_buff *skb)
{
	const struct iface *iface = iface_of(skb->ifindex);
	struct pkt *p = packet_state();
	__u32 reason;

	if (!p || !iface)
		return drop(skb, PROG_NEW_FLOW, REASON_NO_IFACE);
	note_epoch(p);
	if (settings.hook == HOOK_IN && p->flags & PKT_FROM_TUNNEL)
		return from_node(skb, p);
	if (p->proto == IPPROTO_TCP) {
		if (!is_initial_syn(p->tcp_flags)) {
			struct F(addr) saddr = narrow(&p->saddr);

			if (settings.hook == HOOK_IN && !may_send_from(iface, skb->ifindex, &saddr))
				return drop(skb, PROG_NEW_FLOW, REASON_RPF);
			return unknown_midflow(skb, p);
		}
		p->flags |= PKT_SYN;
	}
	if (settings.hook == HOOK_OUT) {
		struct F(addr) saddr = narrow(&p->saddr);

		to_workload(skb, p);
		/* A node always reaches its own pods: nothing else could tell whether they live. */
		if (!(skb->mark & MARK_SEEN) && is_local_host(route_to(&saddr)))
			return enter(skb, PROG_NEW_FLOW, PROG_ALLOWED);
		return ask_policy(skb, PROG_NEW_FLOW, iface, PROG_ALLOWED);
	}
	reason = from_workload(skb, p, iface);
	if (reason == REASON_REFUSED_RST) {
		p->reason = reason;
		return enter(skb, PROG_NEW_FLOW, PROG_REFUSE);
	}
	if (reason)
		return drop(skb, PROG_NEW_FLOW, reason);
	return ask_policy(skb, PROG_NEW_FLOW, iface, PROG_ALLOWED);
}
