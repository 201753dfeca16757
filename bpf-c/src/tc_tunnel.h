/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * PROG_TUNNEL: what PROG_MAIN is to pods, for the tunnel device. It has no policy of its own: each
 * pod's program asks policy on the node where the pod lives.
 */
#pragma once

#include "tc_main.h"

/*
 * Host-egress. The device takes no packet without a key. What comes by the host stack (the host's
 * own, and what programs left to the stack) goes to the node where its destination lives.
 */
static __always_inline int into_tunnel(struct __sk_buff *skb)
{
	const struct node_state *node = node_state();
	const ip_header *ip = ip_of(skb);
	const struct F(route) *route;
	struct F(addr) daddr;

	if (!ip && skb->len >= ETH_HLEN + sizeof(*ip) &&
	    !bpf_skb_pull_data(skb, ETH_HLEN + sizeof(*ip)))
		ip = ip_of(skb);
	if (!ip || !node || !node->tunnel_vni)
		return drop(skb, PROG_TUNNEL, REASON_MALFORMED);
	daddr = *ip_daddr(ip);
	route = route_to(&daddr);
	if (!route || route->flags & ROUTE_LOCAL || is_any(&route->next_hop))
		return drop(skb, PROG_TUNNEL, REASON_NO_TUNNEL_ROUTE);
	if (set_tunnel_key(skb, node->tunnel_vni, &route->next_hop))
		return drop(skb, PROG_TUNNEL, REASON_REWRITE);
	set_mark(skb, 0);
	return pass(skb, PROG_TUNNEL, REASON_TUNNEL);
}

/* Host-ingress: from another node. */
static __always_inline int out_of_tunnel(struct __sk_buff *skb, int parsed, struct flow *f)
{
	struct F(ct_value) *e;
	struct F(peer) peer;

	if (parsed == PARSE_DROP)
		return drop(skb, PROG_TUNNEL, f->reason & (REASON_COUNT - 1));
	/* Neighbour discovery and the like never leave a link, and live on no node. */
	if (parsed == PARSE_NOT_TRACKED || get_tunnel_peer(skb, &peer))
		return drop(skb, PROG_TUNNEL, REASON_TUNNEL_SOURCE);
	/* The sender did not know whose MAC address to write: without this, stacks would not look
	 * at the packet. */
	if (skb->pkt_type != PACKET_HOST)
		bpf_skb_change_type(skb, PACKET_HOST);
	if (parsed == PARSE_ICMP_ERROR)
		return enter(skb, PROG_TUNNEL, PROG_ICMP_ERR);
	e = peer.vni == TUNNEL_VNI_BOUNCE ? NULL : ct_lookup(&f->key);
	if (peer.vni != TUNNEL_VNI_BOUNCE && (!e || is_taken(skb, f->side, e)))
		e = find_direct(skb, f, e);
	if (!e) {
		if (!save_packet(skb, f, PKT_NEW, &peer))
			return drop(skb, PROG_TUNNEL, REASON_NO_PROGRAM);
		if (peer.vni == TUNNEL_VNI_FORWARD || peer.vni == TUNNEL_VNI_BOUNCE)
			return enter(skb, PROG_TUNNEL, PROG_OUTSIDE);
		return enter(skb, PROG_TUNNEL, PROG_NEW_FLOW);
	}
	if (!is_settled(skb, f, e, &peer))
		return unsettled(skb, PROG_TUNNEL, f, e, &peer);
	if (ct_stale(e))
		ct_refresh(&f->key, e);
	return forward(skb, PROG_TUNNEL, f, e, BY_PEER);
}

SEC("tc")
int prog_tunnel(struct __sk_buff *skb)
{
	struct flow f;
	int parsed;

	if (settings.hook == HOOK_OUT && skb->mark & MARK_BYPASS) {
		set_mark(skb, 0);
		return pass(skb, PROG_TUNNEL, REASON_BYPASS);
	}
	if (settings.hook == HOOK_OUT && !settings.debug)
		return into_tunnel(skb);
	if (settings.debug)
		__builtin_memset(&f, 0, sizeof(f));
	parsed = parse(skb, &f);
	if (settings.debug)
		save_packet(skb, &f, 0, NULL); /* for events */
	return settings.hook == HOOK_IN ? out_of_tunnel(skb, parsed, &f) : into_tunnel(skb);
}
