/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * PROG_OUTSIDE: a flow without entry that no pod of this node opens: by a host interface, from the
 * host itself, or forwarded by another node. A backend of another node gets its packets as they
 * are, by the forwarding network; that node translates, balancing over its own backends (DSR-2).
 */
#pragma once

#include "tc_host.h"

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
	/* Policy sees the backend (SVC-1); the packet is not translated here: no PKT_NAT. */
	return 0;
}

/*
 * Whether this interface has a policy for the packet. XDP may have asked one for it, and then there
 * is no other (XDP-1), nor is there after a preDNAT policy that allows; and what goes to this
 * node's own does not leave by the interface.
 */
static __always_inline int is_policed(const struct __sk_buff *skb, const struct pkt *p,
				      const struct iface *iface)
{
	if (!iface->policy_slot[settings.hook & 1])
		return 0;
	if (settings.hook == HOOK_OUT)
		return !(p->flags & (PKT_DST_LOCAL | PKT_DST_HOST));
	return !(p->flags & PKT_DECIDED) &&
	       !(iface->flags & IFACE_UNTRACKED && skb->mark & MARK_BYPASS_XDP);
}

/*
 * Host-ingress: to this node itself, or through it. Host addresses have routes of ours; broadcast
 * and the link's own do not: what the kernel would not forward is for it.
 */
static __always_inline void note_host(struct __sk_buff *skb, struct pkt *p)
{
	if (!(p->flags & (PKT_DST_HOST | PKT_DST_LOCAL | PKT_TO_TUNNEL)) &&
	    is_delivered_here(skb, part_of(&p->saddr), part_of(&p->daddr)))
		p->flags |= PKT_DST_HOST;
}

/* A flow that may be: after the interface's policy, if there is one, on to its entries. */
static __always_inline int judge(struct __sk_buff *skb, struct pkt *p, __u32 prog,
				 const struct iface *iface)
{
	if (!(p->flags & PKT_HOST_IFACE) || !is_policed(skb, p, iface))
		return enter(skb, prog, PROG_ALLOWED);
	if (settings.hook == HOOK_IN)
		note_host(skb, p);
	return ask_host_policy(skb, p, prog, iface, PROG_ALLOWED);
}

static __always_inline int admit(struct __sk_buff *skb, struct pkt *p, __u32 prog,
				 const struct iface *iface)
{
	__u32 reason = place(p);

	if (reason)
		return drop(skb, prog, reason & (REASON_COUNT - 1));
	return judge(skb, p, prog, iface);
}

static __always_inline int end_of_pick(struct __sk_buff *skb, struct pkt *p, __u32 prog,
				       const struct iface *iface, int result)
{
	__u32 reason;

	if (result == PICKED)
		return admit(skb, p, prog, iface);
	if (result == PICK_BY_MAGLEV)
		return enter(skb, prog, PROG_MAGLEV);
	reason = reason_of(result);
	if (reason != REASON_REFUSED_RST)
		return drop(skb, prog, reason & (REASON_COUNT - 1));
	p->reason = reason;
	return enter(skb, prog, PROG_REFUSE);
}

/*
 * TCP in mid-flow, by a host interface: only a Maglev table knows more of it (MAG-3). What policy
 * would not let in anew is for *tables* to decide (PROG_DROP).
 */
static __always_inline int unknown_from_outside(struct __sk_buff *skb, struct pkt *p,
						const struct iface *iface)
{
	struct frontend *frontend = find_frontend(p);
	struct service *service;
	__u32 id;

	if (!frontend && is_policed(skb, p, iface)) {
		p->flags |= PKT_MIDFLOW;
		find_destination(p, NULL);
		note_host(skb, p);
		return ask_host_policy(skb, p, PROG_OUTSIDE, iface, PROG_OUTSIDE);
	}
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

/* No verdict yet: none of the kernel's is as low. */
#define GO_ON (-2)

/* Not for a service: an entry all the same, so that its packets are known by one look-up. */
static __always_inline int track(struct __sk_buff *skb, struct pkt *p, const struct iface *iface,
				 const struct F(route) *route)
{
	no_service(p);
	if (settings.hook == HOOK_IN)
		find_destination(p, route);
	/* What comes from outside is for the stack to route into an overlay. */
	p->flags &= ~PKT_TO_TUNNEL;
	if (settings.hook == HOOK_IN && !(p->flags & PKT_DST_LOCAL))
		p->dst_ifindex = 0;
	return judge(skb, p, PROG_OUTSIDE, iface);
}

/*
 * May the packet come from where it does? Returns a verdict, or GO_ON.
 */
static __always_inline int arrive(struct __sk_buff *skb, struct pkt *p, const struct iface *iface)
{
	struct F(addr) saddr = narrow(&p->saddr), daddr = narrow(&p->daddr);
	__u32 reason;

	if (is_group(&daddr))
		return leave_alone(skb, PROG_OUTSIDE, REASON_NOT_TRACKED);
	reason = judge_outside(skb, iface, &saddr, &daddr);
	if (reason)
		return drop(skb, PROG_OUTSIDE, reason & (REASON_COUNT - 1));
	return GO_ON;
}

/* Not static, for the verifier's sake: see resolve(). */
__noinline int see_backend(struct pkt *p)
{
	const struct F(ct_value) *e;
	struct flow f;

	if (!p)
		return 0;
	saved_flow(p, &f);
	e = ct_lookup(&f.key);
	if (e)
		note_backend(p, f.side, e);
	find_destination(p, NULL);
	return 0;
}

/*
 * By a host interface, of a flow that is known but that this interface has not approved, or not any
 * more: asked both questions, as a new one is. What that denies is dropped: *tables* would let it.
 */
static __always_inline int ask_again(struct __sk_buff *skb, struct pkt *p,
				     const struct iface *iface)
{
	if (!is_policed(skb, p, iface))
		return enter(skb, PROG_OUTSIDE, PROG_ALLOWED);
	if (!(p->flags & PKT_PRE_DNAT)) {
		p->flags |= PKT_PRE_DNAT | PKT_DECIDED;
		p->reason = REASON_PRE_DNAT;
		return ask_host_policy(skb, p, PROG_OUTSIDE, iface, PROG_OUTSIDE);
	}
	p->flags &= ~PKT_PRE_DNAT;
	p->reason = REASON_POLICY;
	see_backend(p);
	note_host(skb, p);
	return ask_host_policy(skb, p, PROG_OUTSIDE, iface, PROG_ALLOWED);
}

static __always_inline int from_outside(struct __sk_buff *skb, struct pkt *p,
					const struct iface *iface)
{
	const struct F(route) *route = NULL;
	int result;

	if (p->flags & PKT_MIDFLOW)
		return leave_alone(skb, PROG_OUTSIDE, REASON_NOT_TRACKED);
	if (!(p->flags & PKT_NEW))
		return ask_again(skb, p, iface);
	if (p->flags & PKT_PRE_DNAT) {
		p->flags &= ~PKT_PRE_DNAT;
		p->reason = REASON_POLICY;
	} else {
		result = arrive(skb, p, iface);
		if (result != GO_ON)
			return result;
		if (is_policed(skb, p, iface)) {
			p->flags |= PKT_PRE_DNAT | PKT_DECIDED;
			p->reason = REASON_PRE_DNAT;
			return ask_host_policy(skb, p, PROG_OUTSIDE, iface, PROG_OUTSIDE);
		}
	}
	if (p->proto == IPPROTO_TCP && !(p->flags & PKT_SYN))
		return unknown_from_outside(skb, p, iface);
	result = pick_backend(p, FOR_OUTSIDE, &route);
	return result == PICK_NO_SERVICE ? track(skb, p, iface, route)
					 : end_of_pick(skb, p, PROG_OUTSIDE, iface, result);
}

/* From the host's own sockets; what programs have let in already is only tracked. */
static __always_inline int from_host(struct __sk_buff *skb, struct pkt *p,
				     const struct iface *iface)
{
	struct F(addr) daddr = narrow(&p->daddr);
	const struct F(route) *route = NULL;
	int result = PICK_NO_SERVICE;

	if (!(skb->mark & MARK_SEEN) && !is_group(&daddr))
		result = pick_backend(p, FOR_INSIDE, &route);
	if (result != PICK_NO_SERVICE)
		return end_of_pick(skb, p, PROG_OUTSIDE, iface, result);
	if (is_group(&daddr))
		return leave_alone(skb, PROG_OUTSIDE, REASON_NOT_TRACKED);
	if (skb->ifindex == LOOPBACK_IFINDEX) {
		if (!(p->flags & PKT_DIRECT))
			return leave_alone(skb, PROG_OUTSIDE, REASON_NOT_TRACKED);
		p->flags |= PKT_DST_HOST;
	}
	return track(skb, p, iface, route);
}

/*
 * Forwarded by another node, or sent back by one that has no such flow. The policy that counts is
 * that of the interface by which the client entered: that node has asked it.
 */
static __always_inline int from_forwarding_node(struct __sk_buff *skb, struct pkt *p,
						const struct iface *iface)
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
	return end_of_pick(skb, p, PROG_OUTSIDE, iface, pick_backend(p, FOR_NODE, &route));
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
		return from_forwarding_node(skb, p, iface);
	p->flags |= PKT_HOST_IFACE;
	if (settings.hook == HOOK_OUT && is_from_host(skb))
		p->flags |= PKT_SRC_HOST;
	return settings.hook == HOOK_IN ? from_outside(skb, p, iface) : from_host(skb, p, iface);
}
