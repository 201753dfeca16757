/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * PROG_ICMP_ERR: an ICMP error quotes a packet of a flow that is known; it is translated as that
 * packet was, backwards, and delivered to who sent it (ICMP-2).
 */
#pragma once

#include "tc_new_flow.h"

struct quoted_packet {
	struct flow f;	/* of the quoted packet, as it stands there */
	__u32 ip;	/* offset of the quoted IP header */
	__u32 outer_l4; /* offset of the ICMP header */
	__u32 end;	/* where the quotation ends, by the outer IP header: then comes padding */
};

/* Finds the flow of the quoted packet. Returns 0, or a reason to drop. */
static __noinline __u32 parse_quoted(struct __sk_buff *skb, struct quoted_packet *q)
{
	struct flow *f = &q->f;
	struct flow outer;
	ip_header *ip = ip_of(skb), quoted;
	__be16 ports[4];
	int left = ip ? parse_ip(skb, ip, &outer) : -1;

	if (left < 0)
		return REASON_MALFORMED;
	q->outer_l4 = outer.l4;
	q->end = outer.l4 + left;
	q->ip = outer.l4 + ICMP_SIZE;
	if (bpf_skb_load_bytes(skb, q->ip, &quoted, sizeof(quoted)))
		return REASON_MALFORMED;
#if SLUICE_FAMILY == 4
	if (quoted.version != 4 || quoted.ihl < 5 ||
	    quoted.frag_off & bpf_htons(IP_FRAGMENT_OFFSET))
		return REASON_ICMP_UNKNOWN;
	f->proto = quoted.protocol;
	f->l4 = q->ip + quoted.ihl * 4;
#else
	if (quoted.version != 6)
		return REASON_ICMP_UNKNOWN;
	f->proto = quoted.nexthdr;
	f->l4 = q->ip + sizeof(quoted);
#endif
	if (f->l4 + sizeof(ports) > q->end || bpf_skb_load_bytes(skb, f->l4, ports, sizeof(ports)))
		return REASON_MALFORMED;
	if (f->proto == IPPROTO_TCP || f->proto == IPPROTO_UDP || f->proto == IPPROTO_SCTP) {
		f->sport = ports[0];
		f->dport = ports[1];
	} else if (f->proto == IPPROTO_ICMP_FAMILY && is_icmp_echo(*(__u8 *)ports)) {
		set_echo_ports(*(__u8 *)ports, ports[2], f);
	} else {
		f->sport = f->dport = 0;
	}
	f->tcp_flags = 0;
	f->side =
	    make_key(&f->key, ip_saddr(&quoted), f->sport, ip_daddr(&quoted), f->dport, f->proto);
	return 0;
}

static __always_inline __u32 saddr_offset(void)
{
	return __builtin_offsetof(ip_header, saddr);
}

static __always_inline __u32 daddr_offset(void)
{
	return __builtin_offsetof(ip_header, daddr);
}

/* Replaces an outer address, and what sums it up. */
static __noinline int replace_outer(struct __sk_buff *skb, const struct quoted_packet *q,
				    __u32 offset, const struct F(addr) *to)
{
	struct F(addr) from;
	__u32 difference;

	if (bpf_skb_load_bytes(skb, ETH_HLEN + offset, &from, sizeof(from)))
		return -1;
	difference = csum_fold(csum_replace_addr(&from, to));
#if SLUICE_FAMILY == 4
	if (bpf_l3_csum_replace(skb, ETH_HLEN + __builtin_offsetof(struct iphdr, check), 0,
				difference, 0))
		return -1;
#else
	if (bpf_l4_csum_replace(skb, q->outer_l4 + 2, 0, difference, BPF_F_PSEUDO_HDR))
		return -1;
	/* The helper has taken it off the packet's sum, but the address adds it again. */
	add_to_packet_sum(skb, difference);
#endif
	(void)q;
	return bpf_skb_store_bytes(skb, ETH_HLEN + offset, to, sizeof(*to), 0);
}

/*
 * Puts the tuple (saddr, sport) -> (daddr, dport) into the quoted packet, corrects its checksums as
 * far as they are quoted, and the ICMP checksum, which covers it all.
 */
static __noinline int replace_quoted(struct __sk_buff *skb, const struct quoted_packet *q,
				     const struct F(ct_tuple) *to)
{
	const struct flow *f = &q->f;
	__u32 icmp_check = q->outer_l4 + 2, check_at, addrs, ports;
	struct F(addr) from[2], new[2] = {to->saddr, to->daddr};
	__be16 new_ports[2] = {to->sport, to->dport};
	__u16 check, new_check;

	if (bpf_skb_load_bytes(skb, q->ip + saddr_offset(), from, sizeof(from)))
		return -1;
	addrs =
	    csum_fold(csum_replace_addr(&from[0], &new[0]) + csum_replace_addr(&from[1], &new[1]));
	ports =
	    csum_fold(csum_replace16(f->sport, to->sport) + csum_replace16(f->dport, to->dport));
	if (bpf_skb_store_bytes(skb, q->ip + saddr_offset(), new, sizeof(new), 0) ||
	    bpf_skb_store_bytes(skb, f->l4, new_ports, sizeof(new_ports), 0) ||
	    bpf_l4_csum_replace(skb, icmp_check, 0, ports, 0))
		return -1;
#if SLUICE_FAMILY == 4
	/* Addresses and the header checksum cancel each other out in the ICMP checksum. */
	if (bpf_l3_csum_replace(skb, q->ip + __builtin_offsetof(struct iphdr, check), 0, addrs, 0))
		return -1;
#else
	if (bpf_l4_csum_replace(skb, icmp_check, 0, addrs, 0))
		return -1;
#endif
	/* Of TCP's header, only the ports and the sequence number must be quoted. SCTP's CRC covers
	 * more than any quotation holds: nobody verifies it. */
	check_at = f->l4 + (f->proto == IPPROTO_TCP ? 16 : 6);
	if ((f->proto != IPPROTO_TCP && f->proto != IPPROTO_UDP) ||
	    check_at + sizeof(check) > q->end)
		return 0;
	if (bpf_skb_load_bytes(skb, check_at, &check, sizeof(check)))
		return -1;
	if (!check && f->proto == IPPROTO_UDP)
		return 0;
	new_check = csum_apply(check, addrs + ports);
	if (!new_check && f->proto == IPPROTO_UDP)
		new_check = 0xffff;
	return bpf_skb_store_bytes(skb, check_at, &new_check, sizeof(new_check), 0) ||
	       bpf_l4_csum_replace(skb, icmp_check, 0, csum_fold(csum_replace16(check, new_check)),
				   0);
}

/* Undoes, in the error, what the flow's entry does to the packet that it quotes. */
static __noinline int translate_error(struct __sk_buff *skb, const struct quoted_packet *q,
				      const struct F(ct_value) *e)
{
	/* x is where the other direction's packets come out: turned round, it is what was sent. */
	struct F(ct_tuple) sent = {
	    .saddr = e->x.daddr,
	    .daddr = e->x.saddr,
	    .sport = e->x.dport,
	    .dport = e->x.sport,
	};
	struct F(addr) outer_saddr;
	struct F(addr) quoted_daddr;

	if (bpf_skb_load_bytes(skb, ETH_HLEN + saddr_offset(), &outer_saddr, sizeof(outer_saddr)) ||
	    bpf_skb_load_bytes(skb, q->ip + daddr_offset(), &quoted_daddr, sizeof(quoted_daddr)))
		return -1;
	/* The other end itself reports: under the address that it is known by. A router keeps its
	 * own. */
	if (addr_equal(&outer_saddr, &quoted_daddr) &&
	    replace_outer(skb, q, saddr_offset(), &sent.daddr))
		return -1;
	return replace_outer(skb, q, daddr_offset(), &sent.saddr) || replace_quoted(skb, q, &sent);
}

/*
 * From the tunnel: about a flow that is known, it comes from the node that has the flow's other
 * side, under whatever address a router of that node reports. The host's own flows are not known
 * here: about those it comes from who lives there. Returns 0, REASON_HOST, or a reason to drop.
 */
static __always_inline __u32 judge_node(struct __sk_buff *skb, const struct F(addr) *saddr,
					const struct F(addr) *daddr, const struct F(ct_value) *e)
{
	struct F(addr) from = *saddr, to = *daddr;
	struct F(peer) peer;

	if (get_tunnel_peer(skb, &peer))
		return REASON_TUNNEL_SOURCE;
	/* The network may have handed an error to another of the nodes that a flow may enter by. */
	if (e && e->c.state & CT_MAGLEV && peer.vni == TUNNEL_VNI_FORWARD)
		return is_node(&peer.node) ? 0 : REASON_TUNNEL_SOURCE;
	if (e)
		return addr_equal(&peer.node, &e->tunnel_peer) ? 0 : REASON_TUNNEL_SOURCE;
	if (!may_node_send_from(&from, &peer.node))
		return REASON_TUNNEL_SOURCE;
	return is_local_host(route_to(&to)) ? REASON_HOST : 0;
}

/*
 * Whether this error may be: it goes to who sent the quoted packet (RFC 1122, 3.2.2; RFC
 * 4443, 2.4), and, on the interface of an endpoint, it concerns a flow of that endpoint. No pod
 * reports on others.
 */
static __noinline __u32 judge_error(struct __sk_buff *skb, const struct quoted_packet *q,
				    const struct F(ct_value) *e)
{
	__u32 side = q->f.side & 1, own = settings.hook == HOOK_IN ? !side : side;
	struct F(addr) quoted_saddr = side ? q->f.key.addr[1] : q->f.key.addr[0];
	const struct iface *iface = iface_of(skb->ifindex);
	const ip_header *ip = ip_of(skb);

	if (!iface || !ip)
		return REASON_NO_IFACE;
	if (settings.hook == HOOK_IN && iface->flags & IFACE_TUNNEL) {
		__u32 reason = judge_node(skb, ip_saddr(ip), ip_daddr(ip), e);

		if (reason)
			return reason;
	} else if (settings.hook == HOOK_IN && !may_send_from(iface, skb->ifindex, ip_saddr(ip))) {
		return REASON_RPF;
	}
	if (!e || !addr_equal(ip_daddr(ip), &quoted_saddr) || e->c.ifindex[own] != skb->ifindex)
		return REASON_ICMP_UNKNOWN;
	return 0;
}

/* On a host interface: whether programs have a hand in the flow; else it is the stack's. */
static __always_inline int is_handled(struct __sk_buff *skb, const struct quoted_packet *q,
				      const struct F(ct_value) *e)
{
	__u32 side = q->f.side & 1;
	struct F(addr) quoted_saddr = side ? q->f.key.addr[1] : q->f.key.addr[0];
	const ip_header *ip = ip_of(skb);

	return ip && e->c.state & (CT_NAT | CT_FORWARD) && addr_equal(ip_daddr(ip), &quoted_saddr);
}

/*
 * Host-ingress, about an answer of no flow that is known here: if it is of a service with a Maglev
 * table, another node knows the flow, and the table says which. Returns 0 if it is not.
 */
static __noinline int is_relayed(struct __sk_buff *skb, struct quoted_packet *q)
{
	struct flow opener = q->f;
	struct frontend *frontend;
	struct pkt *p;

	opener.side = !(q->f.side & 1);
	opener.sport = q->f.dport;
	opener.dport = q->f.sport;
	opener.tcp_flags = opener.icmp_type = opener.icmp_code = 0;
	p = save_packet(skb, &opener, PKT_MIDFLOW | PKT_RELAY | PKT_HOST_IFACE, NULL);
	frontend = p ? find_frontend(p) : NULL;
	if (!frontend || frontend->flags & FRONTEND_NODE_PORT)
		return 0;
	p->service = frontend->service;
	return 1;
}

SEC("tc")
int prog_icmp_err(struct __sk_buff *skb)
{
	const struct iface *iface = iface_of(skb->ifindex);
	int host = iface && iface->flags & IFACE_HOST, tunneled;
	struct F(ct_value) *e = NULL;
	struct quoted_packet q;
	__u32 reason, to;
	ip_header *ip;

	reason = parse_quoted(skb, &q);
	if (!reason) {
		e = ct_lookup(&q.f.key);
		/* It goes the other way than the packet that it quotes. */
		if (!e || is_taken(skb, !q.f.side, e)) {
			q.f.side = !q.f.side;
			e = find_direct(skb, &q.f, e);
			q.f.side = !q.f.side;
		}
		if (host && settings.hook == HOOK_IN && !e && is_relayed(skb, &q))
			return enter(skb, PROG_ICMP_ERR, PROG_MAGLEV);
		if (!host)
			reason = judge_error(skb, &q, e);
	}
	if (host && (reason || !e || !is_handled(skb, &q, e)))
		return leave_alone(skb, PROG_ICMP_ERR, REASON_NOT_TRACKED);
	if (reason == REASON_HOST) {
		set_mark(skb, MARK_SEEN);
		return pass(skb, PROG_ICMP_ERR, REASON_HOST);
	}
	if (reason || !e)
		return drop(skb, PROG_ICMP_ERR, reason & (REASON_COUNT - 1));
	to = is_direct_return(e->c.state, !q.f.side) ? CT_IF_STACK : e->c.ifindex[q.f.side & 1];
	tunneled = to != CT_IF_STACK && e->c.state & of_side(CT_TUNNEL_A, q.f.side & 1);
	/* The quoted packet went the other way than the packets that the entry translates. */
	if (ct_translates(e->c.state, !q.f.side) && translate_error(skb, &q, e))
		return drop(skb, PROG_ICMP_ERR, REASON_REWRITE);
	if (settings.hook == HOOK_OUT) {
		if (host && tunneled)
			return send_to_node(skb, PROG_ICMP_ERR, &e->tunnel_peer,
					    vni_of(e->c.state));
		return leave_alone(skb, PROG_ICMP_ERR, REASON_ICMP_ERROR);
	}
	ip = ip_of(skb);
	if (!ip)
		return drop(skb, PROG_ICMP_ERR, REASON_REWRITE);
	/* Nothing of ours answers an error: one too big for the tunnel is the stack's to judge. */
	if (to == CT_IF_STACK || to == CT_IF_UNKNOWN || ttl_of(ip) <= 1 ||
	    (tunneled && tunnel_mtu() && skb->len - ETH_HLEN > tunnel_mtu())) {
		set_mark(skb, MARK_SEEN);
		return pass(skb, PROG_ICMP_ERR, REASON_ICMP_ERROR);
	}
	decrement_ttl(skb, ip);
	if (tunneled)
		return send_to_node(skb, PROG_ICMP_ERR, &e->tunnel_peer, vni_of(e->c.state));
	if (is_beyond_host(e->c.state, q.f.side & 1, to))
		return redirect_beyond_host(skb, PROG_ICMP_ERR, to);
	/* The flow is approved, and an error about it needs no approval of its own. */
	set_mark(skb, MARK_SEEN | MARK_BYPASS);
	return redirect_to(skb, PROG_ICMP_ERR, to);
}
