/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* PROG_MAIN: the only generic sub-program that a packet of an established flow enters. */
#pragma once

#include "tc_direct.h"

/*
 * Host-ingress: whether the entry knows who sends, and where the other side lives now. "peer", here
 * and below: the node that the packet came from by the tunnel; NULL: a pod of this node sent it.
 */
static __always_inline int knows_both_ends(const struct __sk_buff *skb, __u32 side,
					   const struct F(ct_value) *e, const struct F(peer) *peer)
{
	const struct node_state *node = node_state();

	return node && node->route_epoch == e->c.route_epoch &&
	       e->c.ifindex[side] == skb->ifindex && e->c.ifindex[!side] != CT_IF_UNKNOWN &&
	       (!peer || (addr_equal(&peer->node, &e->tunnel_peer) &&
			  (peer->vni == TUNNEL_VNI_FORWARD) == !!(e->c.state & CT_FORWARD)));
}

/*
 * Host-ingress: without a connection to keep, who opens looks at each packet for its backend. What
 * comes by the overlay has been given one on its own node.
 */
static __always_inline int has_lost_backend(const struct flow *f, __u32 side,
					    const struct ct_common *c, const struct F(peer) *peer)
{
	return (!peer || peer->vni == TUNNEL_VNI_FORWARD) && f->proto != IPPROTO_TCP &&
	       c->state & of_side(CT_OPENER_A, side) && !ct_backend_alive(c);
}

/* Whether the entry alone, as it is, says all about this packet. */
static __always_inline int is_settled(const struct __sk_buff *skb, const struct flow *f,
				      const struct F(ct_value) *e, const struct F(peer) *peer)
{
	const struct ct_common *c = &e->c;
	__u32 side = f->side & 1;
	__u32 approved = settings.hook == HOOK_IN ? CT_APPROVED : of_side(CT_APPROVED_A, !side);
	__u32 aside = settings.hook == HOOK_IN ? CT_ASIDE : 0;

	if (f->tcp_flags & TCP_CHANGES_STATE || (c->state & (approved | aside)) != approved)
		return 0;
	if (settings.hook == HOOK_IN) {
		return knows_both_ends(skb, side, e, peer) && !has_lost_backend(f, side, c, peer);
	}
	return c->ifindex[!side] == skb->ifindex;
}

enum next_step {
	NEXT_FINISH = 0,
	NEXT_NEW_FLOW = 1, /* the entry is over: the packet opens a flow anew */
	NEXT_POLICY = 2,   /* this endpoint has not approved the flow yet */
	NEXT_REFUSE = 3,   /* the workload is gone: tell the sender */
	NEXT_FORGET = 4,   /* dropped, and the entry with it */
	NEXT_DROP = 5,	   /* ... and more: NEXT_DROP + reason */
};

/*
 * A packet that changes TCP state: seen on the tracking entry, whichever twin was hit (CT-2). A SYN
 * on what is closed or revoked, or on what was never answered and whose backend is gone, begins
 * anew.
 */
static __noinline int follow_tcp(const struct flow *f, struct F(ct_value) *e)
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
		if (ct_closed(tracking->c.state) || tracking->c.state & CT_REVOKED)
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
		if (tracking->c.state & CT_SLOT && ct_closed(tracking->c.state))
			ct_release(&tracking->c);
	}
	return NEXT_FINISH;
}

/*
 * Host-ingress: may this packet come from where it does? A flow whose entry says CT_MAGLEV, or that
 * has no connection yet, may change the node that it enters by (MAG-3). Returns 0, or a reason to
 * drop.
 */
static __always_inline __u32 judge_source(const struct __sk_buff *skb, const struct flow *f,
					  const struct F(ct_value) *e, const struct F(addr) *saddr,
					  const struct F(addr) *daddr, const struct F(peer) *peer)
{
	__u32 state = e->c.state, side = f->side & 1;
	int may_move = state & CT_MAGLEV || f->proto != IPPROTO_TCP || is_initial_syn(f->tcp_flags);
	int moved = state & of_side(CT_TUNNEL_A, side) &&
		    !(peer && addr_equal(&peer->node, &e->tunnel_peer));
	const struct iface *iface;

	/* Neither network carries the other's flows. */
	if (peer && state & of_side(CT_TUNNEL_A, side) &&
	    (peer->vni == TUNNEL_VNI_FORWARD) != !!(state & CT_FORWARD))
		return REASON_TUNNEL_SOURCE;
	if (peer && peer->vni != TUNNEL_VNI_FORWARD)
		return may_node_send_from(saddr, &peer->node) ? 0 : REASON_TUNNEL_SOURCE;
	iface = iface_of(skb->ifindex);
	if (!iface)
		return REASON_NO_IFACE;
	if (!peer && !(iface->flags & IFACE_HOST))
		return may_send_from(iface, skb->ifindex, saddr) ? 0 : REASON_RPF;
	if (!peer)
		return moved && !may_move ? REASON_MIDFLOW
					  : judge_outside(skb, iface, saddr, daddr);
	if (is_local_workload(route_to(saddr)) || !is_node(&peer->node))
		return REASON_TUNNEL_SOURCE;
	/* Answers come from the one node that was asked. */
	if (!(state & of_side(CT_OPENER_A, side)) || (moved && !may_move))
		return addr_equal(&peer->node, &e->tunnel_peer) ? 0 : REASON_TUNNEL_SOURCE;
	return 0;
}

/* Whether a packet of this node goes by the overlay to what has this route. */
static __always_inline int is_behind_tunnel(const struct F(route) *route,
					    const struct F(ct_value) *e)
{
	if (!route || route->flags & ROUTE_LOCAL)
		return 0;
	/* A host that came by the tunnel is answered there: nobody of the underlay knows pods. */
	return route->flags & ROUTE_TUNNELED ||
	       (!(route->flags & ROUTE_WORKLOAD) && lives_on(route, &e->tunnel_peer));
}

/* Where the answers of a flow go that a pod of another node may have opened as another. */
enum answers {
	BY_ROUTE = 0,
	TO_ITS_NODE = 1, /* back to where they came from, whoever else has the address */
	TO_NOBODY = 2,	 /* it may not any more, and nobody of the cluster has the address */
};

/* "side" has opened the flow, or not, from the address "addr". */
static __noinline int answers_to(const struct F(route) *route, const struct F(ct_value) *e,
				 __u32 side, const struct F(addr) *addr)
{
	const struct node_state *node = node_state();
	__u32 both = of_side(CT_OPENER_A | CT_TUNNEL_A, side & 1);

	if (!e || (e->c.state & both) != both || lives_on(route, &e->tunnel_peer))
		return BY_ROUTE;
	if (is_source_of_node(addr, &e->tunnel_peer))
		return node && node->tunnel_vni ? TO_ITS_NODE : BY_ROUTE;
	return !route || (!(route->flags & (ROUTE_WORKLOAD | ROUTE_LOCAL)) &&
			  is_any(&route->next_hop))
		   ? TO_NOBODY
		   : BY_ROUTE;
}

/* What an entry, and its twin, know of one side. */
struct F(whereabouts) {
	__u32 ifindex;
	__u32 set; /* enum ct_state, for that side as if it were side A */
	__u32 clear;
	__u32 leaving; /* what it sends out of the cluster gets its DSCP */
	struct F(addr) node;
};

/*
 * Where the sender of a packet is, as its arrival shows. "Of side A" here is "of the sender".
 * Another workload has its address now: neither what the former one has approved counts, nor what
 * the other side has approved of the former one. By another host interface: that one is asked, if
 * it has a policy.
 */
static __always_inline struct F(whereabouts) arrived_from(const struct __sk_buff *skb,
							  const struct F(ct_value) *e, __u32 side,
							  const struct F(peer) *peer)
{
	struct F(whereabouts) w = {.ifindex = skb->ifindex, .clear = CT_TUNNEL_A | CT_OUT_A};
	const struct iface *iface = iface_of(skb->ifindex);

	if (iface && iface->flags & IFACE_PACED)
		w.set |= CT_PACED_A;
	w.leaving = iface && iface->flags & IFACE_DSCP;
	if (peer) {
		w.set |= CT_APPROVED_A | CT_TUNNEL_A;
		w.node = peer->node;
	} else if (iface && iface->flags & IFACE_HOST &&
		   !(e->c.state & (of_side(CT_OPENER_A, side & 1) | CT_EGRESS))) {
		/* An answer to what no host interface has let out: the opener's packets go on by
		 * the stack, and to that interface's policy. */
		w.set = CT_APPROVED_A;
		w.ifindex = e->c.ifindex[side & 1];
	} else if (iface && iface->flags & IFACE_HOST) {
		w.set |= CT_OUT_A;
		if (!(e->c.state & of_side(CT_OPENER_A, side & 1)))
			w.set |= CT_APPROVED_A;
		else if (e->c.ifindex[side & 1] != skb->ifindex && iface->policy_slot[HOOK_IN])
			w.clear |= CT_APPROVED_A;
		else if (e->c.ifindex[side & 1] != skb->ifindex)
			w.set |= CT_APPROVED_A;
	} else if (e->c.ifindex[side & 1] != skb->ifindex) {
		w.clear |= CT_APPROVED_A;
	}
	return w;
}

/* The client of a flow enters by another node, or another way, than before: its answers follow. */
static __noinline void retarget_twin(const struct flow *f, const struct F(ct_value) *e)
{
	__u32 side = f->side & 1, own, state = e->c.state;
	struct F(ct_key) twin_key;
	struct F(ct_value) *twin;

	if (!(state & CT_NAT_FORWARD) || !(state & of_side(CT_OPENER_A, side)))
		return;
	ct_twin_key(e, f->proto, &twin_key);
	twin = ct_lookup(&twin_key);
	if (!twin)
		return;
	own = ct_opener(twin->c.state) & 1;
	__sync_fetch_and_and(&twin->c.state, ~(of_side(CT_TUNNEL_A | CT_OUT_A, own) | CT_FORWARD));
	__sync_fetch_and_or(&twin->c.state,
			    (state & CT_FORWARD) |
				of_side((state >> side) & (CT_TUNNEL_A | CT_OUT_A), own));
	twin->tunnel_peer = e->tunnel_peer;
	twin->c.ifindex[own] = e->c.ifindex[side];
}

/* Whether a flow's other side is a workload that opened it from an address besides its own. */
static __always_inline int sent_as_another(__u32 ifindex, const struct F(addr) *addr)
{
	const struct iface *iface = iface_of(ifindex);

	return iface && iface->flags & IFACE_READY && iface->flags & IFACE_WORKLOAD &&
	       is_allowed_source(iface, ifindex, addr);
}

/*
 * An answer to what this endpoint has not approved, or not any more. Policy is about who opens: it
 * cannot be asked about this packet as it is. Without connections, or by a SYN, the sender opens a
 * flow of its own, which is asked as such where it is sent; at the receiver's side the entry goes,
 * so that the sender's next packet is. Of a connection, or of a flow that policy has ended, the
 * next packet of the side that opened it is asked, and its answers pass again if that one does.
 */
static __always_inline int unasked(const struct flow *f, __u32 state)
{
	if (f->proto == IPPROTO_TCP ? !is_initial_syn(f->tcp_flags) : state & CT_REVOKED)
		return NEXT_DROP + REASON_POLICY;
	return settings.hook == HOOK_IN ? NEXT_NEW_FLOW : NEXT_FORGET;
}

/* An answer, by a host interface, to what no host interface lets out any more. */
static __always_inline int is_shut_out(const struct __sk_buff *skb, __u32 state, __u32 side)
{
	const struct iface *iface = iface_of(skb->ifindex);

	return state & CT_REVOKED && !(state & (of_side(CT_OPENER_A, side) | CT_EGRESS)) && iface &&
	       iface->flags & IFACE_HOST;
}

/*
 * Host-ingress, when interfaces or routes have changed since the entry knew them: who sends, and
 * where the other side lives now. Not static, so that the verifier takes it once, and not for each
 * state that a caller may be in: of the million instructions it allows, that would cost most.
 */
__noinline int resolve(const struct __sk_buff *skb, const struct flow *f, struct F(ct_value) *e,
		       const struct F(peer) *peer)
{
	__u32 side, was, to = CT_IF_STACK, reason, state, forward;
	int was_remote, answers;
	__u32 set = 0, clear = 0;
	const struct F(addr) *saddr, *daddr;
	const struct node_state *node = node_state();
	__u32 epoch = node ? node->route_epoch : 0;
	struct F(addr) node_of_other = {};
	struct F(whereabouts) from;
	const struct F(route) *route;

	if (!f || !e)
		return NEXT_DROP + REASON_NO_PROGRAM;
	side = f->side & 1;
	was = e->c.ifindex[!side];
	state = e->c.state;
	forward = peer && peer->vni == TUNNEL_VNI_FORWARD;
	was_remote = was == CT_IF_STACK || state & of_side(CT_TUNNEL_A | CT_OUT_A, !side);
	saddr = &f->key.addr[side];
	daddr = &f->key.addr[!side];
	reason = judge_source(skb, f, e, saddr, daddr, peer);
	if (reason)
		return NEXT_DROP + reason;
	if (f->proto == IPPROTO_TCP && ct_ended(state))
		return NEXT_REFUSE;
	/*
	 * What is forwarded is for a backend of this node. An entry that does not translate is of
	 * the time when the client entered by this node, and the backend was another's.
	 */
	if (forward && state & of_side(CT_OPENER_A, side) && !(state & CT_NAT_FORWARD))
		return NEXT_NEW_FLOW;
	if (!peer && is_shut_out(skb, state, side))
		return unasked(f, state);
	from = arrived_from(skb, e, side, peer);
	if (ct_translates(state, side))
		daddr = &e->x.daddr;
	route = route_to(daddr);
	answers = peer ? BY_ROUTE : answers_to(route, e, !side, daddr);
	if (!peer && state & CT_FORWARD && state & of_side(CT_TUNNEL_A, !side)) {
		/* Forwarded to a node, for whatever its service's address is here. */
		to = node ? node->tunnel_ifindex : CT_IF_UNKNOWN;
		node_of_other = e->tunnel_peer;
		set |= of_side(CT_TUNNEL_A | CT_APPROVED_A, !side);
		forward = 1;
	} else if (is_local_workload(route)) {
		const struct iface *target = iface_of(route->ifindex);

		to = target && target->flags & IFACE_READY ? route->ifindex : CT_IF_UNKNOWN;
		/* Likewise of the receiver. */
		if (was != to && was != CT_IF_UNKNOWN)
			clear |= CT_APPROVED;
		clear |= of_side(CT_TUNNEL_A | CT_OUT_A, !side);
		set |= target && target->flags & IFACE_PACED ? of_side(CT_PACED_A, !side) : 0;
	} else if (!was_remote && sent_as_another(was, daddr)) {
		to = was;
		set |= state & of_side(CT_PACED_A, !side);
	} else if (is_beyond_host(state, !side, was) && !is_way_out_closed(state, side)) {
		to = was;
		/* Who opens is asked where it enters. */
		if (state & of_side(CT_OPENER_A, side) || to == LOOPBACK_IFINDEX)
			set |= of_side(CT_APPROVED_A, !side);
	} else if (answers == TO_ITS_NODE) {
		to = node ? node->tunnel_ifindex : CT_IF_UNKNOWN;
		node_of_other = e->tunnel_peer;
		set |= of_side(CT_TUNNEL_A | CT_APPROVED_A, !side);
	} else if ((was != CT_IF_UNKNOWN && !was_remote) || answers == TO_NOBODY) {
		/* Who opens begins anew: the address may live elsewhere now, and if it does not,
		 * the host stack says so. */
		if (is_initial_syn(f->tcp_flags) ||
		    (f->proto != IPPROTO_TCP && state & of_side(CT_OPENER_A, side)))
			return NEXT_NEW_FLOW;
		return f->proto == IPPROTO_TCP ? NEXT_REFUSE : NEXT_DROP + REASON_WORKLOAD_GONE;
	} else {
		clear |= of_side(CT_TUNNEL_A | CT_OUT_A, !side);
		if (!peer && node && is_behind_tunnel(route, e)) {
			to = node->tunnel_ifindex;
			node_of_other = route->next_hop;
			set |= of_side(CT_TUNNEL_A, !side);
		}
		/* Nobody of this node is left to ask. */
		set |= of_side(CT_APPROVED_A, !side);
	}
	set |= of_side(from.set, side) | (forward ? CT_FORWARD : 0);
	clear |= of_side(from.clear, side) | CT_FORWARD | CT_PACED_A | CT_PACED_B;
	if (from.clear & CT_APPROVED_A && !(from.set & CT_OUT_A))
		clear |= CT_APPROVED;
	if (from.leaving && is_outside(route))
		set |= of_side(CT_DSCP_A, side);
	clear |= of_side(CT_DSCP_A, side);
	clear &= ~set;
	__sync_fetch_and_or(&e->c.state, set);
	__sync_fetch_and_and(&e->c.state, ~clear);
	e->tunnel_peer = peer ? from.node : node_of_other;
	e->c.ifindex[side] = from.ifindex;
	e->c.ifindex[!side] = to;
	e->c.route_epoch = epoch;
	return NEXT_FINISH;
}

/* All that keeps an entry from being settled, in order. Not static: see resolve(). */
__noinline int settle(const struct __sk_buff *skb, const struct flow *f, struct F(ct_value) *e,
		      const struct F(peer) *peer)
{
	__u32 side, own;
	int next = NEXT_FINISH;

	if (!f || !e)
		return NEXT_DROP + REASON_NO_PROGRAM;
	side = f->side & 1;
	if (f->proto == IPPROTO_TCP) {
		if (f->tcp_flags & TCP_CHANGES_STATE)
			next = follow_tcp(f, e);
	} else if (settings.hook == HOOK_IN && has_lost_backend(f, side, &e->c, peer)) {
		next = NEXT_NEW_FLOW;
	}
	if (next != NEXT_FINISH)
		return next;
	if (settings.hook == HOOK_IN) {
		if (!knows_both_ends(skb, side, e, peer) || is_way_out_closed(e->c.state, side) ||
		    (f->proto == IPPROTO_TCP && ct_ended(e->c.state)))
			next = resolve(skb, f, e, peer);
		if (next != NEXT_FINISH)
			return next;
		/* The agent has had the way out closed while this packet opened it. */
		if (is_way_out_closed(e->c.state, !side))
			__sync_fetch_and_and(&e->c.state, ~of_side(CT_APPROVED_A, side));
		own = side;
	} else {
		own = !side;
	}
	if (e->c.state & of_side(CT_APPROVED_A, own) &&
	    (settings.hook == HOOK_IN || e->c.ifindex[own] == skb->ifindex))
		return settings.hook == HOOK_IN && is_unheard(e->c.state, side)
			   ? NEXT_DROP + REASON_POLICY
			   : NEXT_FINISH;
	return e->c.state & of_side(CT_OPENER_A, side) ? NEXT_POLICY : unasked(f, e->c.state);
}

/* The destination's own program sees what it has not approved, and every attempt to connect
 * (GAP-2). */
static __always_inline enum delivery delivery_of(const struct flow *f, const struct F(ct_value) *e)
{
	return (e->c.state & CT_APPROVED) == CT_APPROVED && !is_initial_syn(f->tcp_flags) &&
		       !(e->c.state & of_side(CT_PACED_A, !f->side))
		   ? BY_PEER
		   : BY_PROGRAM;
}

static __noinline int forget(const struct F(ct_key) *key, struct F(ct_value) *e)
{
	ct_delete(key, e);
	return 0;
}

/* Approvals are on both twins, and so are taken back from both. */
static __noinline int revoke_twin(__u8 proto, const struct F(ct_value) *e, __u32 bits)
{
	struct F(ct_key) twin_key;
	struct F(ct_value) *twin;

	ct_twin_key(e, proto, &twin_key);
	twin = ct_lookup(&twin_key);
	if (!twin)
		return 0;
	if (ct_opener(twin->c.state) != ct_opener(e->c.state))
		bits = ct_swap_sides(bits);
	__sync_fetch_and_and(&twin->c.state, ~bits);
	return 0;
}

/*
 * Host-egress: whether the host itself has opened the flow, by way of a service. By its address
 * alone, somebody outside might pretend to be it.
 */
static __always_inline int is_opened_by_host(const struct flow *f, const struct F(ct_value) *e)
{
	__u32 side = f->side & 1, from = e->c.ifindex[side];
	struct F(addr) saddr = side ? f->key.addr[1] : f->key.addr[0];

	return settings.hook == HOOK_OUT && e->c.state & of_side(CT_OPENER_A, side) &&
	       (from == CT_IF_STACK || from == LOOPBACK_IFINDEX) && is_local_host(route_to(&saddr));
}

/*
 * What settling one twin means for the other, and for the life of both. "approved", "was": what the
 * entry said before. Not static: see resolve().
 */
__noinline int follow_up(const struct flow *f, struct F(ct_value) *e, __u32 approved, __u32 was,
			 int next)
{
	if (!f || !e)
		return 0;
	if (settings.hook == HOOK_IN && e->c.state & CT_NAT && approved & ~e->c.state)
		revoke_twin(f->proto, e, approved & ~e->c.state);
	/* What ends here does not keep the entry alive. */
	if (next != NEXT_FINISH && next != NEXT_POLICY)
		return 0;
	if (was != e->c.ifindex[f->side & 1])
		retarget_twin(f, e);
	if (ct_stale(e))
		ct_refresh(&f->key, e);
	return 0;
}

static __always_inline int unsettled(struct __sk_buff *skb, __u32 prog, const struct flow *f,
				     struct F(ct_value) *e, const struct F(peer) *peer)
{
	__u32 was = e->c.ifindex[f->side & 1];
	__u32 approved = e->c.state & CT_APPROVED;
	const struct iface *iface;
	int next;

	if (peer && !addr_equal(&peer->node, &e->tunnel_peer))
		was = CT_IF_UNKNOWN; /* from another node */
	next = settle(skb, f, e, peer);
	if (prog == PROG_MAIN)
		was = e->c.ifindex[f->side & 1]; /* only clients move */
	follow_up(f, e, approved, was, next);
	switch (next) {
	case NEXT_FINISH:
		if (prog == PROG_MAIN && settings.hook == HOOK_IN &&
		    e->c.state & of_side(CT_DSCP_A, f->side & 1))
			set_dscp(skb);
		return finish(skb, prog, f, e, delivery_of(f, e));
	case NEXT_NEW_FLOW:
		if (!save_packet(skb, f, PKT_NEW | PKT_STALE, peer))
			return drop(skb, prog, REASON_NO_PROGRAM);
		if (prog == PROG_HOST || (peer && peer->vni == TUNNEL_VNI_FORWARD))
			return enter(skb, prog, PROG_OUTSIDE);
		return enter(skb, prog, PROG_NEW_FLOW);
	case NEXT_POLICY:
		iface = iface_of(skb->ifindex);
		if (!iface || !save_packet(skb, f, 0, peer))
			return drop(skb, prog, REASON_NO_IFACE);
		if (prog == PROG_HOST)
			return enter(skb, prog, PROG_OUTSIDE);
		if (is_opened_by_host(f, e))
			return enter(skb, prog, PROG_ALLOWED);
		return ask_policy(skb, prog, iface, PROG_ALLOWED);
	case NEXT_FORGET:
		forget(&f->key, e);
		return drop(skb, prog, REASON_POLICY);
	case NEXT_REFUSE:
		if (!save_packet(skb, f, 0, peer))
			return drop(skb, prog, REASON_WORKLOAD_GONE);
		return enter(skb, prog, PROG_REFUSE);
	default:
		return drop(skb, prog, (next - NEXT_DROP) & (REASON_COUNT - 1));
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
		save_packet(skb, &f, 0, NULL); /* for events */
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
	if (!e || is_taken(skb, f.side, e))
		e = find_direct(skb, &f, e);
	if (!e) {
		if (!save_packet(skb, &f, PKT_NEW, NULL))
			return drop(skb, PROG_MAIN, REASON_NO_PROGRAM);
		return enter(skb, PROG_MAIN, PROG_NEW_FLOW);
	}
	if (!is_settled(skb, &f, e, NULL))
		return unsettled(skb, PROG_MAIN, &f, e, NULL);
	if (ct_stale(e))
		ct_refresh(&f.key, e);
	return finish(skb, PROG_MAIN, &f, e, BY_PEER);
}
