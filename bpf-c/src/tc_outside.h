/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * PROG_OUTSIDE: a flow without entry that no pod of this node opens: by a host interface, from the
 * host itself, or forwarded by another node. A backend of another node gets its packets as they
 * are, by the forwarding network; that node translates, balancing over its own backends (DSR-2).
 */
#pragma once

#include "tc_host.h"

/* The service's address and port again: what is forwarded is not translated here. */
static __always_inline void forget_translation(struct pkt *p)
{
	p->daddr = p->orig_daddr;
	p->dport = p->orig_dport;
}

/*
 * Whether answers go from the backend's node to the client by themselves: not where somebody opted
 * out, and not to the cluster's own hosts, which sent it from their stack.
 */
static __always_inline int is_direct(const struct pkt *p)
{
	struct F(route_key) key = {
	    .prefixlen = 32 * ADDR_WORDS,
	    .addr = narrow(&p->orig_saddr),
	};

	return settings.dsr && !is_cluster_host(route_to(&key.addr)) &&
	       !bpf_map_lookup_elem(&F(dsr_optout), &key);
}

/* From here, or forwarded to here: the backend is this node's. Returns 0 or a reason to drop. */
static __always_inline __u32 place_here(struct pkt *p, const struct F(route) *route)
{
	p->flags |= PKT_NAT;
	if (sent_by_node(p) && is_direct(p))
		p->flags |= PKT_DSR;
	if (is_local_workload(route)) {
		note_destination(p, route);
		return 0;
	}
	if (is_local_host(route)) {
		p->flags |= PKT_DST_HOST;
		return 0;
	}
	/* Another node does not ask for backends of others. */
	if (p->flags & PKT_FROM_TUNNEL)
		return REASON_NO_LOCAL_BACKEND;
	if (settings.hook == HOOK_IN)
		p->flags |= PKT_MASQ;
	return 0;
}

/* Where the backend in "p" lives, and how packets get there. Returns 0 or a reason to drop. */
static __always_inline __u32 place(struct pkt *p)
{
	struct F(addr) daddr = narrow(&p->daddr);
	const struct node_state *node = node_state();
	const struct F(route) *route;

	route = route_to(&daddr);
	if (!route || route->flags & ROUTE_LOCAL || is_any(&route->next_hop))
		return place_here(p, route);
	if (sent_by_node(p))
		return REASON_NO_LOCAL_BACKEND;
	if (!node || !node->tunnel_ifindex)
		return REASON_NO_TUNNEL_ROUTE;
	if (settings.hook == HOOK_IN && is_direct(p))
		p->flags |= PKT_DSR;
	p->flags |= PKT_TO_TUNNEL | PKT_FORWARD;
	p->dst_ifindex = node->tunnel_ifindex;
	widen(&p->peer, &route->next_hop);
	forget_translation(p);
	return 0;
}

/* No policy of host endpoints yet: on to the entries. */
static __always_inline int admit(struct __sk_buff *skb, struct pkt *p, __u32 prog)
{
	__u32 reason = place(p);

	if (reason)
		return drop(skb, prog, reason & (REASON_COUNT - 1));
	return enter(skb, prog, PROG_ALLOWED);
}

static __always_inline int end_of_pick(struct __sk_buff *skb, struct pkt *p, __u32 prog, int result)
{
	__u32 reason;

	if (result == PICKED)
		return admit(skb, p, prog);
	if (result == PICK_BY_MAGLEV)
		return enter(skb, prog, PROG_MAGLEV);
	reason = reason_of(result);
	if (reason != REASON_REFUSED_RST)
		return drop(skb, prog, reason & (REASON_COUNT - 1));
	p->reason = reason;
	return enter(skb, prog, PROG_REFUSE);
}

/* TCP in mid-flow, by a host interface: only a Maglev table knows more of it (MAG-3). */
static __always_inline int unknown_from_outside(struct __sk_buff *skb, struct pkt *p)
{
	struct frontend *frontend = find_frontend(p);
	struct service *service;
	__u32 id;

	if (!frontend)
		return leave_alone(skb, PROG_OUTSIDE, REASON_NOT_TRACKED);
	id = p->service = frontend->service;
	service = bpf_map_lookup_elem(&services, &id);
	if (service && service->count && service->flags & SERVICE_MAGLEV &&
	    !(frontend->flags & FRONTEND_NODE_PORT) &&
	    (!(frontend->flags & FRONTEND_SOURCE_RANGES) || is_in_ranges(p, id))) {
		p->flags |= PKT_MIDFLOW;
		return enter(skb, PROG_OUTSIDE, PROG_MAGLEV);
	}
	p->reason = REASON_MIDFLOW;
	return enter(skb, PROG_OUTSIDE, PROG_REFUSE);
}

/* Not for a service: an entry all the same, so that its packets are known by one look-up. */
static __always_inline int track(struct __sk_buff *skb, struct pkt *p, const struct F(route) *route)
{
	no_service(p);
	if (settings.hook == HOOK_IN)
		find_destination(p, route);
	/* What comes from outside is for the stack to route into an overlay. */
	p->flags &= ~PKT_TO_TUNNEL;
	if (settings.hook == HOOK_IN && !(p->flags & PKT_DST_LOCAL))
		p->dst_ifindex = 0;
	return enter(skb, PROG_OUTSIDE, PROG_ALLOWED);
}

static __always_inline int from_outside(struct __sk_buff *skb, struct pkt *p,
					const struct iface *iface)
{
	struct F(addr) saddr = narrow(&p->saddr), daddr = narrow(&p->daddr);
	const struct F(route) *route = NULL;
	__u32 reason;
	int result;

	if (is_group(&daddr))
		return leave_alone(skb, PROG_OUTSIDE, REASON_NOT_TRACKED);
	reason = judge_outside(skb, iface, &saddr, &daddr);
	if (reason)
		return drop(skb, PROG_OUTSIDE, reason & (REASON_COUNT - 1));
	if (p->proto == IPPROTO_TCP && !(p->flags & PKT_SYN))
		return unknown_from_outside(skb, p);
	result = pick_backend(p, FOR_OUTSIDE, &route);
	return result == PICK_NO_SERVICE ? track(skb, p, route)
					 : end_of_pick(skb, p, PROG_OUTSIDE, result);
}

/* From the host's own sockets; what programs have let in already is only tracked. */
static __always_inline int from_host(struct __sk_buff *skb, struct pkt *p)
{
	struct F(addr) daddr = narrow(&p->daddr);
	const struct F(route) *route = NULL;
	int result = PICK_NO_SERVICE;

	if (!(skb->mark & MARK_SEEN) && !is_group(&daddr))
		result = pick_backend(p, FOR_INSIDE, &route);
	if (result != PICK_NO_SERVICE)
		return end_of_pick(skb, p, PROG_OUTSIDE, result);
	if (is_group(&daddr))
		return leave_alone(skb, PROG_OUTSIDE, REASON_NOT_TRACKED);
	if (skb->ifindex == LOOPBACK_IFINDEX) {
		if (!(p->flags & PKT_DIRECT))
			return leave_alone(skb, PROG_OUTSIDE, REASON_NOT_TRACKED);
		p->flags |= PKT_DST_HOST;
	}
	return track(skb, p, route);
}

/* Forwarded by another node, or sent back by one that has no such flow. */
static __always_inline int from_forwarding_node(struct __sk_buff *skb, struct pkt *p)
{
	struct F(addr) saddr = narrow(&p->saddr), peer = narrow(&p->peer);
	const struct F(route) *route = NULL;
	struct frontend *frontend;

	if (!is_node(&peer) || (is_local_workload(route_to(&saddr)) && !(p->flags & PKT_BOUNCED)))
		return drop(skb, PROG_OUTSIDE, REASON_TUNNEL_SOURCE);
	if (p->proto == IPPROTO_TCP && !(p->flags & PKT_SYN)) {
		p->flags |= PKT_MIDFLOW;
		frontend = find_frontend(p);
		if (!frontend) {
			p->reason = REASON_MIDFLOW;
			return enter(skb, PROG_OUTSIDE, PROG_REFUSE);
		}
		p->service = frontend->service;
		return enter(skb, PROG_OUTSIDE, PROG_MAGLEV);
	}
	if (p->flags & PKT_BOUNCED)
		return drop(skb, PROG_OUTSIDE, REASON_TUNNEL_SOURCE);
	return end_of_pick(skb, p, PROG_OUTSIDE, pick_backend(p, FOR_NODE, &route));
}

SEC("tc")
int prog_outside(struct __sk_buff *skb)
{
	const struct iface *iface = iface_of(skb->ifindex);
	struct pkt *p = packet_state();

	if (!p || !iface)
		return drop(skb, PROG_OUTSIDE, REASON_NO_IFACE);
	note_epoch(p);
	if (p->proto == IPPROTO_TCP && is_initial_syn(p->tcp_flags))
		p->flags |= PKT_SYN;
	if (settings.hook == HOOK_IN && p->flags & PKT_FROM_TUNNEL)
		return from_forwarding_node(skb, p);
	p->flags |= PKT_HOST_IFACE;
	return settings.hook == HOOK_IN ? from_outside(skb, p, iface) : from_host(skb, p);
}
