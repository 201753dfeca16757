/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The tunnel to other nodes: one flow-based VXLAN device, to which programs say with each packet
 * where it goes, and which says with each packet where it comes from.
 */
#pragma once

#include "iface_ops.h"
#include "translate.h"

/* What every kernel knows of struct bpf_tunnel_key; local addresses came with Linux 6.0. */
#define TUNNEL_KEY_SIZE (__builtin_offsetof(struct bpf_tunnel_key, tunnel_label) + sizeof(__u32))

/* skb->pkt_type (linux/if_packet.h). */
#define PACKET_HOST 0

/* skb->gso_size of a packet whose segments lie in a list, each of a size of its own (SCTP). */
#define GSO_BY_FRAGS 0xffff

/* IPv4: not to be fragmented (RFC 791, 3.1). */
#define IP_DONT_FRAGMENT 0x4000

static __always_inline int is_any(const struct F(addr) *addr)
{
	__u32 bits = 0;

	for (int i = 0; i < ADDR_WORDS; i++)
		bits |= addr->w[i];
	return !bits;
}

/*
 * Tells the tunnel device where this packet goes. TTL and TOS 0 are the device's defaults: the
 * route's hop limit, and ECN as the inner packet has it (RFC 6040). The outer packet may be
 * fragmented, and its UDP checksum is left out for IPv4 alone, as the device does by itself.
 */
static __always_inline int set_tunnel_key(struct __sk_buff *skb, __u32 vni,
					  const struct F(addr) *peer)
{
	struct bpf_tunnel_key key = {.tunnel_id = vni};

#if SLUICE_FAMILY == 4
	key.remote_ipv4 = bpf_ntohl(peer->w[0]);
	return bpf_skb_set_tunnel_key(skb, &key, TUNNEL_KEY_SIZE, BPF_F_ZERO_CSUM_TX);
#else
	__builtin_memcpy(key.remote_ipv6, peer, sizeof(key.remote_ipv6));
	return bpf_skb_set_tunnel_key(skb, &key, TUNNEL_KEY_SIZE, BPF_F_TUNINFO_IPV6);
#endif
}

/*
 * The node that a packet on the tunnel device comes from. Returns 0, or -1 for a packet of a
 * network that is none of ours, or of the other family.
 */
static __always_inline int get_tunnel_peer(struct __sk_buff *skb, struct F(peer) *peer)
{
	const struct node_state *node = node_state();
	struct bpf_tunnel_key key = {};

#if SLUICE_FAMILY == 4
	if (bpf_skb_get_tunnel_key(skb, &key, TUNNEL_KEY_SIZE, 0))
		return -1;
	peer->node.w[0] = bpf_htonl(key.remote_ipv4);
#else
	if (bpf_skb_get_tunnel_key(skb, &key, TUNNEL_KEY_SIZE, BPF_F_TUNINFO_IPV6))
		return -1;
	__builtin_memcpy(&peer->node, key.remote_ipv6, sizeof(peer->node));
#endif
	peer->vni = key.tunnel_id;
	if (peer->vni == TUNNEL_VNI_FORWARD || peer->vni == TUNNEL_VNI_BOUNCE)
		return 0;
	return node && node->tunnel_vni && node->tunnel_vni == peer->vni ? 0 : -1;
}

/*
 * Into the tunnel, to the node "peer"; the device's own program need not look again. "vni": 0: the
 * overlay's.
 */
static __always_inline int send_to_node(struct __sk_buff *skb, __u32 prog,
					const struct F(addr) *peer, __u32 vni)
{
	const struct node_state *node = node_state();
	__u32 reason = vni == TUNNEL_VNI_FORWARD  ? REASON_FORWARD
		       : vni == TUNNEL_VNI_BOUNCE ? REASON_BOUNCE
						  : REASON_TUNNEL;

	if (!node || set_tunnel_key(skb, vni ? vni : node->tunnel_vni, peer))
		return drop(skb, prog, REASON_REWRITE);
	set_mark(skb, MARK_SEEN | MARK_BYPASS);
	return end(skb, prog, reason, bpf_redirect(node->tunnel_ifindex, 0));
}

/* The network by which the flow's side behind the tunnel is reached. */
static __always_inline __u32 vni_of(__u32 state)
{
	return state & CT_FORWARD ? TUNNEL_VNI_FORWARD : 0;
}

/* Bytes of the largest IP packet that fits; 0: no limit. */
static __always_inline __u32 tunnel_mtu(void)
{
	const struct node_state *node = node_state();

	if (!node)
		return 0;
	return SLUICE_FAMILY == 4 ? node->tunnel_mtu4 : node->tunnel_mtu6;
}

/*
 * Whether a packet, or a segment of it, does not fit into the tunnel. What of a GSO packet goes out
 * at once is gso_size and the headers before it (ENC-2); its segments are as large as its sender
 * chose, and stay so. Where nobody can tell without walking all segments, they are taken to fit.
 */
static __always_inline int is_too_big(const struct __sk_buff *skb, const struct flow *f)
{
	__u32 mtu = tunnel_mtu(), headers = f->l4 - ETH_HLEN, size = skb->gso_size;
	const struct tcphdr *tcp;

	if (!mtu || skb->len - ETH_HLEN <= mtu)
		return 0;
	if (!size)
		return 1;
	if (size == GSO_BY_FRAGS)
		return 0;
	if (f->proto == IPPROTO_UDP)
		headers += UDP_SIZE;
	tcp = l4_of(skb, f);
	if (f->proto == IPPROTO_TCP && (void *)tcp + TCP_SIZE <= packet_end(skb))
		headers += tcp->doff * 4;
	return headers + size > mtu;
}
