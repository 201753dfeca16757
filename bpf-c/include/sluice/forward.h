/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What the last sub-program of a packet's way does with it, once an entry tells how.
 */
#pragma once

#include "state_ops.h"
#include "tunnel.h"

enum delivery {
	BY_PEER = 0,	/* straight into the pod: the flow is approved on both sides */
	BY_PROGRAM = 1, /* by way of the pod's interface, whose program looks at it (GAP-2) */
};

#define IFACE_READY (SLUICE_FAMILY == 4 ? IFACE_READY4 : IFACE_READY6)

static __always_inline struct F(route) *route_to(const struct F(addr) *addr)
{
	struct F(route_key) key = {
	    .prefixlen = 32 * ADDR_WORDS,
	    .addr = *addr,
	};

	return bpf_map_lookup_elem(&F(routes), &key);
}

static __always_inline int is_local_workload(const struct F(route) *route)
{
	return route &&
	       (route->flags & (ROUTE_LOCAL | ROUTE_WORKLOAD)) == (ROUTE_LOCAL | ROUTE_WORKLOAD);
}

/* An address of this node itself. */
static __always_inline int is_local_host(const struct F(route) *route)
{
	return route && (route->flags & (ROUTE_LOCAL | ROUTE_WORKLOAD)) == ROUTE_LOCAL;
}

/* Whether what has this route lives on the node "peer". */
static __always_inline int lives_on(const struct F(route) *route, const struct F(addr) *peer)
{
	return route && !(route->flags & ROUTE_LOCAL) && !is_any(peer) &&
	       addr_equal(&route->next_hop, peer);
}

/* The interface's first address of this family. */
static __always_inline const struct F(addr) *iface_addr(const struct iface *iface)
{
#if SLUICE_FAMILY == 4
	return &iface->addr4;
#else
	return &iface->addr6;
#endif
}

/* On the link between pod and host only: a source that needs no route. */
static __always_inline int is_link_local(const struct F(addr) *addr)
{
	return SLUICE_FAMILY == 6 && (addr->w[0] & bpf_htonl(0xffc00000)) == bpf_htonl(0xfe800000);
}

/* RPF-1: a workload sends with its own addresses only. */
static __always_inline int may_send_from(const struct iface *iface, __u32 ifindex,
					 const struct F(addr) *saddr)
{
	const struct F(route) *route;

	if (addr_equal(saddr, iface_addr(iface)) || iface->flags & IFACE_ANY_SOURCE ||
	    is_link_local(saddr))
		return 1;
	route = route_to(saddr);
	return is_local_workload(route) && route->ifindex == ifindex;
}

/* To a local pod's interface, whose neighbour entry gives the MAC address. */
static __always_inline int redirect_to(struct __sk_buff *skb, __u32 prog, __u32 ifindex)
{
	struct bpf_redir_neigh next_hop = {};
	const ip_header *ip = ip_of(skb);
	int verdict;

	if (!ip)
		return drop(skb, prog, REASON_REWRITE);
#if SLUICE_FAMILY == 4
	next_hop.nh_family = 2; /* AF_INET */
	next_hop.ipv4_nh = ip->daddr;
#else
	next_hop.nh_family = 10; /* AF_INET6 */
	__builtin_memcpy(next_hop.ipv6_nh, &ip->daddr, sizeof(next_hop.ipv6_nh));
#endif
	verdict = bpf_redirect_neigh(ifindex, &next_hop, sizeof(next_hop), 0);
	return end(skb, prog, REASON_REDIRECT, verdict);
}

/* What does not fit into the tunnel, and may be fragmented, is for the host stack to fragment. */
static __always_inline int may_be_fragmented(const ip_header *ip)
{
#if SLUICE_FAMILY == 4
	return !(ip->frag_off & bpf_htons(IP_DONT_FRAGMENT));
#else
	(void)ip;
	return 0;
#endif
}

/* The answer quotes the packet as its sender knows it: so before translation. */
static __always_inline int answer_too_big(struct __sk_buff *skb, __u32 prog, const struct flow *f)
{
	if (prog == PROG_MAIN && !save_packet(skb, f, 0, NULL))
		return drop(skb, prog, REASON_NO_PROGRAM);
	return enter(skb, prog, PROG_TOO_BIG);
}

/*
 * Host-ingress: on to where the other side lives. What comes from the tunnel never goes back into
 * it: its entries name local pods only.
 */
static __always_inline int forward(struct __sk_buff *skb, __u32 prog, const struct flow *f,
				   const struct F(ct_value) *e, enum delivery how)
{
	__u32 state = e->c.state, to = e->c.ifindex[!f->side], reason;
	int by_bpf = to != CT_IF_STACK && to != CT_IF_UNKNOWN;
	const struct node_state *node = node_state();
	int tunneled = prog != PROG_TUNNEL && by_bpf && node && to == node->tunnel_ifindex;
	ip_header *ip = ip_of(skb);

	if (!ip)
		return drop(skb, prog, REASON_MALFORMED);
	/* The host stack knows how to answer, and its limits on answering (RFC 792, 4443). */
	if (by_bpf && ttl_of(ip) <= 1) {
		set_mark(skb, MARK_SEEN);
		return pass(skb, prog, REASON_TTL);
	}
	if (tunneled && is_too_big(skb, f, node)) {
		if (!may_be_fragmented(ip))
			return answer_too_big(skb, prog, f);
		to = CT_IF_STACK;
		by_bpf = tunneled = 0;
	}
	if (ct_translates(state, f->side)) {
		reason = translate(skb, f, e);
		if (reason)
			return drop(skb, prog, reason);
		ip = ip_of(skb);
		if (!ip)
			return drop(skb, prog, REASON_REWRITE);
	}
	if (!by_bpf) {
		set_mark(skb, to == CT_IF_STACK ? MARK_SEEN : MARK_SEEN | MARK_SKIP_FIB);
		return pass(skb, prog, to == CT_IF_STACK ? REASON_STACK : REASON_NOT_READY);
	}
	decrement_ttl(skb, ip);
	if (tunneled)
		return send_to_node(skb, prog, node, &e->tunnel_peer);
	if (settings.redirect_peer && how == BY_PEER) {
		set_mark(skb, 0);
		return end(skb, prog, REASON_PEER, bpf_redirect_peer(to, 0));
	}
	set_mark(skb, MARK_SEEN);
	return redirect_to(skb, prog, to);
}

/* Host-egress: to the pod behind this interface. */
static __always_inline int deliver(struct __sk_buff *skb, __u32 prog, const struct flow *f,
				   const struct F(ct_value) *e)
{
	if (ct_translates(e->c.state, f->side)) {
		__u32 reason = translate(skb, f, e);

		if (reason)
			return drop(skb, prog, reason);
	}
	set_mark(skb, 0);
	return pass(skb, prog, REASON_TO_POD);
}

/* The end of every allowed packet with an entry. */
static __always_inline int finish(struct __sk_buff *skb, __u32 prog, const struct flow *f,
				  const struct F(ct_value) *e, enum delivery how)
{
	return settings.hook == HOOK_IN ? forward(skb, prog, f, e, how) : deliver(skb, prog, f, e);
}

/* Enters this endpoint's policy, with both continuations (PROG-2). Comes back only to drop. */
static __always_inline int ask_policy(struct __sk_buff *skb, __u32 prog, const struct iface *iface)
{
	__u32 slot = iface->policy_slot[settings.hook & 1];

	skb->cb[CB_ALLOW] = prog_index(PROG_ALLOWED);
	skb->cb[CB_DENY] = prog_index(PROG_DROP);
	bpf_tail_call(skb, &policies, slot);
	return drop(skb, prog, REASON_NO_POLICY);
}
