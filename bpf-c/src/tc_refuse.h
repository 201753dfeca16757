/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * PROG_REFUSE: the packet turns round and becomes the answer, a TCP RST (RFC 9293, 3.10.7.1) or an
 * ICMP port unreachable (RFC 792; RFC 4443, 3.1), from the address that the sender spoke to.
 */
#pragma once

#include "tc_answer.h"

/* What of the packet an ICMP error brings back, behind its IP header: the ports, at least. */
#define ICMP_QUOTED 8

struct rst_packet {
	ip_header ip;
	struct tcphdr tcp;
};

struct unreachable_packet {
	ip_header ip;
	struct icmp_header icmp;
	ip_header quoted_ip;
	__u8 quoted[ICMP_QUOTED];
};

static __noinline int make_rst(struct __sk_buff *skb, const struct pkt *p)
{
	struct rst_packet rst;
	struct tcphdr tcp;
	__u32 pseudo = pseudo_sum(p, IPPROTO_TCP, sizeof(tcp));
	struct flow f = {.l4 = p->l4_offset};
	const ip_header *ip = ip_of(skb);
	__u32 sequence;

	if (!ip || bpf_skb_load_bytes(skb, p->l4_offset, &tcp, sizeof(tcp)))
		return -1;
	sequence = bpf_ntohl(tcp.seq) + l4_length(&f, ip) - tcp.doff * 4 + tcp.syn + tcp.fin;
	fill_ip(&rst.ip, p, IPPROTO_TCP, sizeof(tcp));
	__builtin_memset(&rst.tcp, 0, sizeof(rst.tcp));
	rst.tcp.source = p->orig_dport;
	rst.tcp.dest = p->orig_sport;
	rst.tcp.doff = sizeof(tcp) / 4;
	rst.tcp.rst = 1;
	if (tcp.ack) {
		rst.tcp.seq = tcp.ack_seq;
	} else {
		rst.tcp.ack = 1;
		rst.tcp.ack_seq = bpf_htonl(sequence);
	}
	if (is_partial(skb))
		rst.tcp.check = csum_fold(pseudo);
	else
		rst.tcp.check = ~csum_fold(
		    csum_fold(bpf_csum_diff(NULL, 0, (__be32 *)&rst.tcp, sizeof(rst.tcp), 0)) +
		    pseudo);
	return bpf_skb_change_tail(skb, ETH_HLEN + sizeof(rst), 0) ||
	       bpf_skb_store_bytes(skb, ETH_HLEN, &rst, sizeof(rst),
				   BPF_F_INVALIDATE_HASH | BPF_F_RECOMPUTE_CSUM);
}

static __noinline int make_unreachable(struct __sk_buff *skb, const struct pkt *p)
{
	const __u32 inner = sizeof(ip_header) + ICMP_QUOTED;
	struct unreachable_packet answer;
	const __u16 length = sizeof(answer) - sizeof(answer.ip);
	__u32 pseudo = SLUICE_FAMILY == 6 ? pseudo_sum(p, IPPROTO_ICMPV6, length) : 0;

	if (bpf_skb_load_bytes(skb, ETH_HLEN, &answer.quoted_ip, inner))
		return -1;
	fill_ip(&answer.ip, p, IPPROTO_ICMP_FAMILY, length);
	__builtin_memset(&answer.icmp, 0, sizeof(answer.icmp));
#if SLUICE_FAMILY == 4
	answer.icmp.type = ICMP_UNREACHABLE;
	answer.icmp.code = ICMP_CODE_PORT_UNREACHABLE;
#else
	answer.icmp.type = ICMP6_UNREACHABLE;
	answer.icmp.code = ICMP6_CODE_PORT_UNREACHABLE;
#endif
	answer.icmp.checksum = ~csum_fold(
	    csum_fold(bpf_csum_diff(NULL, 0, (__be32 *)&answer.icmp, length, 0)) + pseudo);
	return bpf_skb_change_tail(skb, ETH_HLEN + inner, 0) ||
	       bpf_skb_adjust_room(skb, sizeof(answer) - inner, BPF_ADJ_ROOM_MAC, 0) ||
	       bpf_skb_store_bytes(skb, ETH_HLEN, &answer, sizeof(answer),
				   BPF_F_INVALIDATE_HASH | BPF_F_RECOMPUTE_CSUM);
}

SEC("tc")
int prog_refuse(struct __sk_buff *skb)
{
	struct pkt *p = packet_state();
	__u32 reason;
	int tcp;

	if (!p)
		return drop(skb, PROG_REFUSE, REASON_NO_PROGRAM);
	tcp = p->proto == IPPROTO_TCP;
	/* Never answered: a RST (RFC 9293), and packets with options, which the answer has no room
	 * for. */
	if ((tcp && p->tcp_flags & TCP_RST) || p->l4_offset != ETH_HLEN + sizeof(ip_header))
		return drop(skb, PROG_REFUSE, REASON_MIDFLOW);
	if (tcp ? make_rst(skb, p) : make_unreachable(skb, p))
		return drop(skb, PROG_REFUSE, REASON_REWRITE);
	reason = p->reason == REASON_CONNECTIONS ? REASON_CONNECTIONS
		 : tcp				 ? REASON_REFUSED_RST
						 : REASON_REFUSED_ICMP;
	return send_answer(skb, p, PROG_REFUSE, reason);
}
