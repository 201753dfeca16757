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

/* Whether the workload may send from an address that is not its own. */
static __always_inline int is_allowed_source(const struct iface *iface, __u32 ifindex,
					     const struct F(addr) *saddr)
{
	struct F(source_key) key = {
	    .prefixlen = SOURCE_IFINDEX_BITS + 32 * ADDR_WORDS,
	    .ifindex = bpf_htonl(ifindex),
	    .addr = *saddr,
	};

	return iface->flags & IFACE_ANY_SOURCE ||
	       (iface->flags & IFACE_SOURCES && bpf_map_lookup_elem(&F(sources), &key));
}

/* RPF-1: a workload sends with its own addresses only, and with those that it is allowed. */
static __always_inline int may_send_from(const struct iface *iface, __u32 ifindex,
					 const struct F(addr) *saddr)
{
	const struct F(route) *route;

	if (addr_equal(saddr, iface_addr(iface)) || iface->flags & IFACE_ANY_SOURCE ||
	    is_link_local(saddr))
		return 1;
	route = route_to(saddr);
	if (is_local_workload(route) && route->ifindex == ifindex)
		return 1;
	return iface->flags & IFACE_SOURCES && is_allowed_source(iface, ifindex, saddr);
}

/* A key of node_sources: too large for the stack of programs that call others. */
MAP_ARRAY(F(node_source), BPF_MAP_TYPE_PERCPU_ARRAY, struct F(node_source_key), 1);

/* Whether a pod of the node "peer" may send from an address that is not its own. */
static __noinline int is_source_of_node(const struct F(addr) *saddr, const struct F(addr) *peer)
{
	__u32 zero = 0;
	struct F(node_source_key) *key = bpf_map_lookup_elem(&F(node_source), &zero);

	if (!key || !saddr || !peer)
		return 0;
	key->prefixlen = 2 * 32 * ADDR_WORDS;
	key->node = *peer;
	key->addr = *saddr;
	return !!bpf_map_lookup_elem(&F(node_sources), key);
}

/*
 * RPF-1 for what comes by the overlay: a node sends with the addresses that live there, and with
 * those that its pods are allowed. What lives on this node comes from no other, whoever is allowed
 * it: answers would not go there. What is of a link leaves none.
 */
static __always_inline int may_node_send_from(const struct F(addr) *saddr,
					      const struct F(addr) *peer)
{
	const struct F(route) *route = route_to(saddr);

	if (lives_on(route, peer))
		return 1;
	return !(route && route->flags & ROUTE_LOCAL) && !is_link_local(saddr) &&
	       is_source_of_node(saddr, peer);
}

/* Beyond the cluster: no pod, no host, and no address that a pod may have some time. */
static __always_inline int is_outside(const struct F(route) *route)
{
	return !route ||
	       (!(route->flags & (ROUTE_WORKLOAD | ROUTE_LOCAL | ROUTE_IN_POOL | ROUTE_TUNNELED)) &&
		is_any(&route->next_hop));
}

/*
 * The DSCP (RFC 2474) of what the workload behind this interface sends out of the cluster; the ECN
 * bits beside it stay (QOS-2). It shares 16-bit words with bytes that stay, as sums see it.
 */
static __noinline int set_dscp(struct __sk_buff *skb)
{
	struct qos_key key = {.ifindex = skb->ifindex, .hook = HOOK_IN};
	const struct qos_limit *limit = bpf_map_lookup_elem(&qos, &key);
	ip_header *ip = ip_of(skb);
	__u16 was, is;
	__u8 *bytes = (__u8 *)ip;

	if (!limit || !(limit->dscp & QOS_DSCP_SET) || !ip)
		return 0;
	__builtin_memcpy(&was, bytes, sizeof(was));
#if SLUICE_FAMILY == 4
	bytes[1] = (bytes[1] & 0x03) | (limit->dscp & 0x3f) << 2;
#else
	/* Version, traffic class and flow label: 4, 8 and 20 bits. */
	bytes[0] = 0x60 | (limit->dscp & 0x3f) >> 2;
	bytes[1] = (bytes[1] & 0x3f) | (limit->dscp & 0x03) << 6;
#endif
	__builtin_memcpy(&is, bytes, sizeof(is));
	if (was == is)
		return 0;
#if SLUICE_FAMILY == 4
	ip->check = csum_apply(ip->check, csum_replace16(was, is));
#else
	if (!settings.kern_ctx || ip_summed(skb) == CHECKSUM_COMPLETE)
		add_to_packet_sum(skb, csum_replace16(was, is));
#endif
	return 0;
}

/* To a local pod's interface, whose neighbour entry gives the MAC address. */
static __always_inline int redirect_to(struct __sk_buff *skb, __u32 prog, __u32 ifindex)
{
	struct bpf_redir_neigh next_hop = {};
	const struct iface *iface = iface_of(ifindex);
	const struct F(addr) *own = iface ? iface_addr(iface) : NULL;
	const ip_header *ip = ip_of(skb);
	int verdict;

	if (!ip)
		return drop(skb, prog, REASON_REWRITE);
	/* It need not answer for the addresses that it sends from besides its own. */
	if (!own || !(iface->flags & (IFACE_ANY_SOURCE | IFACE_SOURCES)) || is_any(own))
		own = ip_daddr(ip);
#if SLUICE_FAMILY == 4
	next_hop.nh_family = 2; /* AF_INET */
	next_hop.ipv4_nh = own->w[0];
#else
	next_hop.nh_family = 10; /* AF_INET6 */
	__builtin_memcpy(next_hop.ipv6_nh, own, sizeof(next_hop.ipv6_nh));
#endif
	verdict = bpf_redirect_neigh(ifindex, &next_hop, sizeof(next_hop), 0);
	return end(skb, prog, REASON_REDIRECT, verdict);
}

/* Always that of a namespace's loopback. */
#define LOOPBACK_IFINDEX 1

/*
 * Out by a host interface, to the next hop that the kernel's routes give. What the interface's
 * link does not take is for the host stack to fragment or to answer.
 */
static __always_inline int redirect_out(struct __sk_buff *skb, __u32 prog, __u32 ifindex)
{
	const struct iface *iface = iface_of(ifindex);

	if (!iface || (iface->mtu && !skb->gso_size && skb->len - ETH_HLEN > iface->mtu)) {
		set_mark(skb, MARK_SEEN);
		return pass(skb, prog, REASON_STACK);
	}
	set_mark(skb, MARK_SEEN | MARK_BYPASS);
	return end(skb, prog, REASON_OUT, bpf_redirect_neigh(ifindex, NULL, 0, 0));
}

/* To the host itself, which spoke to one of its own addresses: its stack has accept_local there. */
static __always_inline int redirect_loopback(struct __sk_buff *skb, __u32 prog)
{
	__u8 none[2 * ETH_ALEN] = {};

	if (bpf_skb_store_bytes(skb, 0, none, sizeof(none), 0))
		return drop(skb, prog, REASON_REWRITE);
	set_mark(skb, MARK_SEEN | MARK_BYPASS);
	return end(skb, prog, REASON_LOOPBACK, bpf_redirect(LOOPBACK_IFINDEX, BPF_F_INGRESS));
}

/* To where a side lives that is not a local pod's; "to": its ifindex. */
static __always_inline int is_beyond_host(__u32 state, __u32 side, __u32 to)
{
	return state & of_side(CT_OUT_A, side) || to == LOOPBACK_IFINDEX;
}

static __always_inline int redirect_beyond_host(struct __sk_buff *skb, __u32 prog, __u32 to)
{
	return to == LOOPBACK_IFINDEX ? redirect_loopback(skb, prog) : redirect_out(skb, prog, to);
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

/*
 * Answers by ICMP, for "reason": too big, or TTL exceeded. The answer quotes the packet as its
 * sender knows it: so before translation. "ifindex": what it does not fit into; 0: the tunnel.
 */
static __always_inline int answer_icmp(struct __sk_buff *skb, __u32 prog, const struct flow *f,
				       __u32 reason, __u32 ifindex)
{
	struct pkt *p = prog == PROG_ALLOWED || prog == PROG_OUTSIDE
			    ? packet_state()
			    : save_packet(skb, f, prog == PROG_TUNNEL ? PKT_FROM_TUNNEL : 0, NULL);

	if (!p)
		return drop(skb, prog, REASON_NO_PROGRAM);
	p->reason = reason;
	p->dst_ifindex = ifindex;
	return enter(skb, prog, PROG_TOO_BIG);
}

/*
 * Whether a packet does not fit into a pod's link, which would lose it without a word. Links take
 * IPv6's smallest packet (RFC 8200, 5), and segments as they are.
 */
static __always_inline int is_too_big_for(struct __sk_buff *skb, __u32 ifindex)
{
	__u32 mtu = 0;

	return skb->len > ETH_HLEN + 1280 && !skb->gso_size &&
	       bpf_check_mtu(skb, ifindex, &mtu, 0, 0) == BPF_MTU_CHK_RET_FRAG_NEEDED;
}

/* Left to the host stack, translated as the entry says. */
static __always_inline __u32 mark_for_stack(__u32 state, __u32 side, __u32 to)
{
	if (to == CT_IF_UNKNOWN)
		return MARK_SEEN | MARK_SKIP_FIB;
	return state & CT_MASQ && state & of_side(CT_OPENER_A, side) ? MARK_SEEN | MARK_MASQ
								     : MARK_SEEN;
}

/*
 * Host-ingress: on to where the other side lives. What comes from the tunnel never goes back into
 * it: its entries name local pods only.
 */
static __always_inline int forward(struct __sk_buff *skb, __u32 prog, const struct flow *f,
				   const struct F(ct_value) *e, enum delivery how)
{
	__u32 state = e->c.state, reason;
	__u32 to = is_direct_return(state, f->side) ? CT_IF_STACK : e->c.ifindex[!f->side];
	int by_bpf = to != CT_IF_STACK && to != CT_IF_UNKNOWN;
	int tunneled = prog != PROG_TUNNEL && by_bpf && state & of_side(CT_TUNNEL_A, !f->side);
	ip_header *ip = ip_of(skb);

	if (!ip)
		return drop(skb, prog, REASON_MALFORMED);
	if (by_bpf && ttl_of(ip) <= 1) {
		/* To the stack, what came for a node port would be for the node itself. */
		if (prog == PROG_HOST || prog == PROG_OUTSIDE)
			return answer_icmp(skb, prog, f, REASON_TTL_ANSWER, 0);
		/* It knows how to answer, and its limits on answering (RFC 792, 4443). */
		set_mark(skb, MARK_SEEN);
		return pass(skb, prog, REASON_TTL);
	}
	if (tunneled && is_too_big(skb, f)) {
		if (!may_be_fragmented(ip))
			return answer_icmp(skb, prog, f, REASON_TOO_BIG, 0);
		/* What is forwarded bears an address that the stack may take for its own: it is the
		 * outer packet that is fragmented. */
		if (!(state & CT_FORWARD)) {
			to = CT_IF_STACK;
			by_bpf = tunneled = 0;
		}
	}
	if (by_bpf && !tunneled && !is_beyond_host(state, !f->side, to) && !may_be_fragmented(ip) &&
	    is_too_big_for(skb, to))
		return answer_icmp(skb, prog, f, REASON_TOO_BIG, to);
	if (ct_translates(state, f->side)) {
		reason = translate(skb, f, e);
		if (reason)
			return drop(skb, prog, reason);
		ip = ip_of(skb);
		if (!ip)
			return drop(skb, prog, REASON_REWRITE);
	}
	if (!by_bpf) {
		set_mark(skb, mark_for_stack(state, f->side, to));
		return pass(skb, prog, to == CT_IF_STACK ? REASON_STACK : REASON_NOT_READY);
	}
	decrement_ttl(skb, ip);
	if (tunneled)
		return send_to_node(skb, prog, &e->tunnel_peer, vni_of(state));
	if (is_beyond_host(state, !f->side, to))
		return redirect_beyond_host(skb, prog, to);
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

/*
 * Enters this endpoint's policy, with both continuations (PROG-2). "next": the one for allow. Comes
 * back only to drop.
 */
static __always_inline int ask_policy(struct __sk_buff *skb, __u32 prog, const struct iface *iface,
				      __u32 next)
{
	__u32 slot = iface->policy_slot[settings.hook & 1];

	skb->cb[CB_ALLOW] = prog_index(next);
	skb->cb[CB_DENY] = prog_index(PROG_DROP);
	bpf_tail_call(skb, &policies, slot);
	return drop(skb, prog, REASON_NO_POLICY);
}
