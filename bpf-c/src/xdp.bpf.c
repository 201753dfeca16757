/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Untracked policy (doNotTrack) of host interfaces, before the kernel has made an skb: what it
 * denies costs next to nothing, what it allows is not asked about again (XDP-1), and all else goes
 * on to TC as if this were not there. One program for all interfaces and both families;
 * docs/design/xdp.md.
 */
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/in.h>
#include <linux/tcp.h>
#include <bpf/bpf_endian.h>
#include <sluice/iface_ops.h>
#include <sluice/protocols.h>

/* The part of a packet that is looked at. "at" and "end" are packet pointers. */
struct cursor {
	void *at;
	void *end;
};

static __always_inline void count_xdp(const struct xdp_md *ctx, __u32 reason)
{
	__u32 index = HOOK_IN * REASON_COUNT + reason;
	struct counter *counter = bpf_map_lookup_elem(&counters, &index);

	if (counter) {
		counter->packets++;
		counter->bytes += ctx->data_end - ctx->data;
	}
}

/* Returns 0 if the headers name all that policies ask for. */
static __always_inline int parse_ipv4(struct cursor *c, struct pkt *p)
{
	const struct iphdr *ip = c->at;

	if ((void *)(ip + 1) > c->end || ip->version != 4 || ip->ihl < 5)
		return -1;
	if (ip->frag_off & bpf_htons(IP_FRAGMENT_OFFSET))
		p->flags |= PKT_FRAGMENT;
	/* Multicast and broadcast are nobody's flow. */
	if ((ip->daddr & bpf_htonl(0xe0000000)) == bpf_htonl(0xe0000000))
		return -1;
	p->saddr = (struct addr6){.w = {ip->saddr}};
	p->daddr = (struct addr6){.w = {ip->daddr}};
	p->proto = ip->protocol;
	c->at += ip->ihl * 4;
	return 0;
}

/*
 * Skips extension headers (RFC 8200, 4). Returns the protocol behind them, or -1. Of a fragment
 * other than the first it is what its header says, for what follows is data.
 */
static __always_inline int skip_ext(struct cursor *c, struct pkt *p, __u8 next)
{
	for (int i = 0; i < MAX_EXT_HEADERS; i++) {
		const __u8 *ext = c->at;
		__u32 length;

		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS &&
		    next != IPPROTO_AH && next != IPPROTO_FRAGMENT)
			return next;
		if ((void *)(ext + 4) > c->end)
			return -1;
		if (next == IPPROTO_FRAGMENT &&
		    *(const __be16 *)(ext + 2) & bpf_htons(IP6_FRAGMENT_OFFSET)) {
			p->flags |= PKT_FRAGMENT;
			return ext[0];
		}
		length = next == IPPROTO_AH	    ? (ext[1] + 2) * 4
			 : next == IPPROTO_FRAGMENT ? 8
						    : (ext[1] + 1) * 8;
		next = ext[0];
		c->at += length;
	}
	return -1;
}

static __always_inline int parse_ipv6(struct cursor *c, struct pkt *p)
{
	const struct ipv6hdr *ip = c->at;
	int proto;

	if ((void *)(ip + 1) > c->end || ip->version != 6 || ip->daddr.in6_u.u6_addr8[0] == 0xff)
		return -1;
	__builtin_memcpy(&p->saddr, &ip->saddr, sizeof(p->saddr));
	__builtin_memcpy(&p->daddr, &ip->daddr, sizeof(p->daddr));
	c->at += sizeof(*ip);
	proto = skip_ext(c, p, ip->nexthdr);
	if (proto < 0)
		return -1;
	p->proto = proto;
	return 0;
}

static __always_inline int parse_transport(const struct cursor *c, struct pkt *p)
{
	const __be16 *ports = c->at;
	const __u8 *icmp = c->at;

	p->sport = p->dport = 0;
	p->icmp_type = p->icmp_code = 0;
	if (p->flags & PKT_FRAGMENT)
		return 0;
	switch (p->proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_SCTP:
		if ((void *)(ports + 2) > c->end)
			return -1;
		p->sport = ports[0];
		p->dport = ports[1];
		/* The tunnel's own packets carry flows that have policies of their own. */
		return p->proto == IPPROTO_UDP && p->dport == bpf_htons(settings.vxlan_port) ? -1
											     : 0;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		if ((void *)(icmp + 2) > c->end)
			return -1;
		p->icmp_type = icmp[0];
		p->icmp_code = icmp[1];
		return p->proto == IPPROTO_ICMPV6 && is_icmp6_on_link(icmp[0]) ? -1 : 0;
	default:
		return 0;
	}
}

static __always_inline int parse_packet(const struct xdp_md *ctx, struct pkt *p)
{
	struct cursor c = {
	    .at = (void *)(long)ctx->data,
	    .end = (void *)(long)ctx->data_end,
	};
	const struct ethhdr *eth = c.at;
	int failed;

	if ((void *)(eth + 1) > c.end)
		return -1;
	c.at += sizeof(*eth);
	p->ethertype = eth->h_proto;
	if (eth->h_proto == bpf_htons(ETH_P_IP))
		failed = parse_ipv4(&c, p);
	else if (eth->h_proto == bpf_htons(ETH_P_IPV6))
		failed = parse_ipv6(&c, p);
	else
		return -1; /* a VLAN's too: its own interface sees it again */
	return failed || parse_transport(&c, p) ? -1 : 0;
}

SEC("xdp")
int preamble_xdp(struct xdp_md *ctx)
{
	const struct iface *iface = iface_of(ctx->ingress_ifindex);
	__u32 zero = 0, slot;
	struct pkt *p = bpf_map_lookup_elem(&pkt, &zero);

	/* Whom the kernel's conntrack is to know, XDP does not ask about (XDP-2). */
	if (!iface || !p || !(iface->flags & IFACE_UNTRACKED) || iface->flags & IFACE_FORCE_TRACK)
		return XDP_PASS;
	p->flags = 0;
	if (parse_packet(ctx, p))
		return XDP_PASS;
	p->policy_step = 0;
	slot = iface->policy_slot[HOOK_IN];
	bpf_tail_call(ctx, &policies, slot);
	/* No program yet, or no longer: TC's policy decides. */
	return XDP_PASS;
}

/* XDP_PROG_ALLOW. A driver without metadata leaves the packet to TC's policy. */
SEC("xdp")
int xdp_allow(struct xdp_md *ctx)
{
	struct xdp_meta *meta;

	if (bpf_xdp_adjust_meta(ctx, -(int)sizeof(*meta)))
		return XDP_PASS;
	meta = (void *)(long)ctx->data_meta;
	if ((void *)(meta + 1) <= (void *)(long)ctx->data)
		meta->verdict = XDP_META_ALLOWED;
	return XDP_PASS;
}

/* XDP_PROG_DENY. */
SEC("xdp")
int xdp_deny(struct xdp_md *ctx)
{
	count_xdp(ctx, REASON_UNTRACKED);
	return XDP_DROP;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
